package io.thalweg.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class PlatformTest {
    private static final String GLIBC = "7f1 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libc.so.6\n";
    private static final String MUSL = "7f2 r-xp 0 08:01 2 /lib/ld-musl-x86_64.so.1\n";

    @Test
    void javasNamesOfProcessorsAreToldApart() {
        assertEquals("linux-x86_64-gnu", Platform.of("Linux", "amd64", GLIBC).toString());
        assertEquals("linux-x86_64-gnu", Platform.of("Linux", "x86_64", GLIBC).toString());
        assertEquals("linux-aarch64-gnu", Platform.of("Linux", "aarch64", GLIBC).toString());
        assertEquals("linux-s390x-gnu", Platform.of("Linux", "s390x", GLIBC).toString());
        assertEquals("linux-i386-gnu", Platform.of("Linux", "i386", GLIBC).toString());
    }

    @Test
    void theLibraryOfCIsTheOneThatIsMapped() {
        assertEquals("musl", Platform.of("Linux", "amd64", MUSL).libc());
        assertEquals("musl", Platform.of("Linux", "amd64", GLIBC + MUSL).libc());
        assertEquals("gnu", Platform.of("Linux", "amd64", "").libc());
    }

    @Test
    void otherOperatingSystemsHaveTheirNames() {
        assertEquals("mac-aarch64", Platform.of("Mac OS X", "aarch64", "").toString());
        assertEquals("windows-x86_64", Platform.of("Windows Server 2022", "amd64", "").toString());
    }

    @Test
    void theJarHoldsTheOneOfThisMachine() {
        List<Platform> held = Platform.held();
        assertTrue(held.contains(Platform.here()), held + " without " + Platform.here());
    }
}
