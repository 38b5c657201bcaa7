package io.thalweg.flink.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** REST as users have it: encrypted, behind a proxy, on a port that Flink chose. */
class RestTest {
    private static final String PASSWORD = "changeit";
    private static final String CONFIG = "{\"flink-version\": \"2.3.0\"}";

    @TempDir
    private Path folder;
    private Path here;
    private Path elsewhere;

    @BeforeEach
    void certificates() throws Exception {
        here = certificate("here", "ip:127.0.0.1");
        elsewhere = certificate("elsewhere", "dns:elsewhere.example");
    }

    @Test
    void whatIsEncryptedIsReadWithFlinksOwnKeys() throws Exception {
        try (FakeFlink flink = encrypted(here, false)) {
            Map<String, String> keys = keys(flink, "truststore", here);
            assertTrue(reads(keys));
            // A JobManager that was given no trust store knows its own certificate.
            assertTrue(reads(keys(flink, "keystore", here)));
            assertThrows(SSLException.class, () -> reads(keys(flink, "truststore", elsewhere)));
        }
    }

    @Test
    void theNameInACertificateMattersUnlessTheUserSaysOtherwise() throws Exception {
        try (FakeFlink flink = encrypted(elsewhere, false)) {
            Map<String, String> keys = keys(flink, "truststore", elsewhere);
            assertThrows(SSLException.class, () -> reads(keys));
            keys.put("security.ssl.verify-hostname", "false");
            assertTrue(reads(keys));
            keys.put("security.ssl.rest.truststore", here.toString());
            assertThrows(SSLException.class, () -> reads(keys));
        }
    }

    @Test
    void whoIsAskedForAKeyShowsIt() throws Exception {
        try (FakeFlink flink = encrypted(here, true)) {
            Map<String, String> keys = keys(flink, "truststore", here);
            assertThrows(IOException.class, () -> reads(keys));
            keys.putAll(keys(flink, "keystore", here));
            assertTrue(reads(keys));
        }
    }

    @Test
    void aStoreThatCannotBeReadIsNamedByItsKey() {
        Map<String, String> keys = new HashMap<>(Map.of("security.ssl.rest.enabled", "true",
                "security.ssl.rest.truststore", folder.resolve("absent").toString()));
        String message = assertThrows(IllegalArgumentException.class, () -> RestAccess.of(keys)).getMessage();
        assertTrue(message.contains("security.ssl.rest.truststore") && message.contains("absent"), message);
        keys.put("security.ssl.rest.truststore", here.toString());
        keys.put("security.ssl.rest.truststore-password", "wrong");
        message = assertThrows(IllegalArgumentException.class, () -> RestAccess.of(keys)).getMessage();
        assertTrue(message.contains("security.ssl.rest.truststore") && !message.contains("wrong"), message);
    }

    @Test
    void aProxyGetsItsPathAndTheHeaderAsItIsNow() throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        try (FakeFlink flink = new FakeFlink(server, "/flink/prod/").on("/config", CONFIG)) {
            Path token = Files.writeString(folder.resolve("token"), "Bearer one\n");
            Rest rest = new Rest(RestAccess.of(Map.of(
                    "thalweg.flink.rest.url", "http://127.0.0.1:" + flink.port() + "/flink/prod/",
                    "thalweg.flink.rest.authorization.file", token.toString())));
            assertTrue(rest.get("/config").has("flink-version"));
            assertEquals("Bearer one", flink.authorization());
            Files.writeString(token, "Bearer two");
            rest.get("/config");
            assertEquals("Bearer two", flink.authorization());
        }
    }

    @Test
    void aPortThatFlinkChoseIsFoundAmongThoseOfThisProcess() throws Exception {
        HttpServer other = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        other.start();
        try (FakeFlink flink = new FakeFlink()) {
            Rest rest = new Rest(RestAccess.of(Map.of("rest.address", "127.0.0.1", "rest.port", "0")));
            String message = assertThrows(IOException.class, () -> rest.get("/config")).getMessage();
            assertTrue(message.contains("thalweg.flink.rest.url"), message);
            flink.on("/config", CONFIG);
            assertTrue(rest.get("/config").has("flink-version"));
            assertTrue(OwnPorts.listening().containsAll(List.of(flink.port(), other.getAddress().getPort())));
        } finally {
            other.stop(0);
        }
    }

    @Test
    void portsAreReadAsFlinkReadsThem() {
        IntPredicate some = RestAddress.allowed("50100-50200,8081");
        assertTrue(some.test(8081) && some.test(50100) && some.test(50200));
        assertFalse(some.test(8082) || some.test(50201));
        assertTrue(RestAddress.allowed("0").test(40000));
        assertThrows(IllegalArgumentException.class, () -> RestAddress.allowed("many"));
        assertEquals("http://h:8081", address(Map.of("rest.address", "h")));
        assertEquals("http://h:9", address(Map.of("jobmanager.rpc.address", "h", "rest.bind-port", "9", "rest.port", "9")));
        assertEquals("https://h:8081", address(Map.of("rest.address", "h", "security.ssl.rest.enabled", "true")));
    }

    private static String address(Map<String, String> configuration) {
        return RestAccess.of(configuration).address().toString();
    }

    private static boolean reads(Map<String, String> configuration) throws IOException, InterruptedException {
        return new Rest(RestAccess.of(configuration)).get("/config").has("flink-version");
    }

    private static Map<String, String> keys(FakeFlink flink, String which, Path store) {
        return new HashMap<>(Map.of("rest.address", "127.0.0.1", "rest.port", String.valueOf(flink.port()),
                "security.ssl.rest.enabled", "true", "security.ssl.rest." + which, store.toString(),
                "security.ssl.rest." + which + "-password", PASSWORD));
    }

    private FakeFlink encrypted(Path store, boolean asksWhoComes) throws Exception {
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        // Both sides of this test know the certificate from the same file.
        server.setHttpsConfigurator(new HttpsConfigurator(RestTls.context(Map.of("security.ssl.rest.keystore",
                store.toString(), "security.ssl.rest.keystore-password", PASSWORD))) {
            @Override
            public void configure(HttpsParameters parameters) {
                SSLParameters usual = getSSLContext().getDefaultSSLParameters();
                usual.setNeedClientAuth(asksWhoComes);
                parameters.setSSLParameters(usual);
            }
        });
        return new FakeFlink(server, "/").on("/config", CONFIG);
    }

    /** A self-signed certificate and its key. */
    private Path certificate(String name, String subject) throws Exception {
        Path store = folder.resolve(name + ".p12");
        Process keytool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-alias", name, "-keyalg", "EC", "-dname", "CN=" + name, "-ext", "san=" + subject,
                "-storetype", "PKCS12", "-keystore", store.toString(), "-storepass", PASSWORD)
                .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        assertEquals(0, keytool.waitFor());
        return store;
    }
}
