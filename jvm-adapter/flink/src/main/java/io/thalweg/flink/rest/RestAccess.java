package io.thalweg.flink.rest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import javax.net.ssl.SSLContext;

/**
 * Where the REST interface of a JobManager is, and what it takes to be answered there.
 *
 * @param address where it is
 * @param tls what to trust, and who we are; null for plain HTTP, and for the usual authorities of HTTPS
 * @param authorization the file that holds the header {@code Authorization} for a proxy; null where none asks for it
 */
public record RestAccess(RestAddress address, SSLContext tls, Path authorization) {
    private static final String URL = "thalweg.flink.rest.url";
    private static final String AUTHORIZATION = "thalweg.flink.rest.authorization.file";

    /** Plain HTTP at this address. */
    public static RestAccess plain(String url) {
        return new RestAccess(RestAddress.fixed(url), null, null);
    }

    /** Reads Flink's configuration; what is wrong with it is named by its key. */
    public static RestAccess of(Map<String, String> configuration) {
        boolean encrypted = RestTls.isEnabled(configuration);
        String url = configuration.getOrDefault(URL, "");
        RestAddress address = url.isBlank()
                ? RestAddress.of(encrypted ? "https" : "http", configuration)
                : RestAddress.fixed(url);
        String file = configuration.getOrDefault(AUTHORIZATION, "");
        return new RestAccess(address, encrypted ? RestTls.context(configuration) : null,
                file.isBlank() ? null : Path.of(file));
    }

    /** The header's value now, as tokens change while a JobManager lives; null where none is needed. */
    String authorizationNow() throws IOException {
        return authorization == null ? null : Files.readString(authorization).strip();
    }
}
