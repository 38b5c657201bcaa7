package io.thalweg.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URL;
import org.junit.jupiter.api.Test;

class StockFactoryTest {
    @Test
    void aJarIsToldByItsOwnPathWhateverTheFoldersAboveAreCalled() throws Exception {
        String path = "io/thalweg/flink/StockFactory.class";
        String jar = "jar:file:/opt/io/thalweg/flink/lib/thalweg.jar!/";
        assertEquals(jar, StockFactory.root(new URL(jar + path), path));
        String other = "org/apache/flink/Some.class";
        String stock = "jar:file:/opt/io/thalweg/flink/lib/flink-dist.jar!/";
        assertEquals(stock, StockFactory.root(new URL(stock + other), other));
    }
}
