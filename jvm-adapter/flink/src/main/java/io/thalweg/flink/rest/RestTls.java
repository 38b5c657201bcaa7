package io.thalweg.flink.rest;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Map;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/** TLS to the REST interface, by the keys of Flink's own configuration ({@code security.ssl.rest.*}). */
final class RestTls {
    private static final String ENABLED = "security.ssl.rest.enabled";
    private static final String VERIFY_HOST = "security.ssl.verify-hostname";

    private final Map<String, String> configuration;

    private RestTls(Map<String, String> configuration) {
        this.configuration = configuration;
    }

    static boolean isEnabled(Map<String, String> configuration) {
        return Boolean.parseBoolean(configuration.getOrDefault(ENABLED, "false"));
    }

    /** Whom to trust and who we are; what is wrong is named by its key. */
    static SSLContext context(Map<String, String> configuration) {
        RestTls tls = new RestTls(configuration);
        try {
            SSLContext context = SSLContext.getInstance(configuration.getOrDefault("security.ssl.protocol", "TLSv1.2"));
            context.init(tls.keys(), tls.trusted(), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("security.ssl.*: " + e.getMessage(), e);
        }
    }

    /** Our key, for JobManagers that ask who comes. */
    private KeyManager[] keys() throws GeneralSecurityException {
        if (value("keystore") == null) {
            return null;
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        String password = value("key-password") == null ? value("keystore-password") : value("key-password");
        factory.init(load("keystore"), characters(password));
        return factory.getKeyManagers();
    }

    /** The trust store; a JobManager without one trusts its own certificate; else the usual authorities. */
    private TrustManager[] trusted() throws GeneralSecurityException {
        KeyStore store = null;
        if (value("truststore") != null) {
            store = load("truststore");
        } else if (value("keystore") != null) {
            store = load("keystore");
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        TrustManager[] managers = factory.getTrustManagers();
        if (!Boolean.parseBoolean(configuration.getOrDefault(VERIFY_HOST, "true"))) {
            for (int i = 0; i < managers.length; i++) {
                if (managers[i] instanceof X509ExtendedTrustManager manager) {
                    managers[i] = new AnyHost(manager);
                }
            }
        }
        return managers;
    }

    private KeyStore load(String which) throws GeneralSecurityException {
        Path file = Path.of(value(which));
        String type = value(which + "-type");
        KeyStore store = KeyStore.getInstance(type == null ? KeyStore.getDefaultType() : type);
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, characters(value(which + "-password")));
        } catch (IOException e) {
            throw new IllegalArgumentException("security.ssl.rest." + which + ": " + file + ": " + e.getMessage(), e);
        }
        return store;
    }

    /** Flink takes the keys that hold for all its connections where REST has none of its own. */
    private String value(String name) {
        return configuration.getOrDefault("security.ssl.rest." + name, configuration.get("security.ssl." + name));
    }

    private static char[] characters(String password) {
        return password == null ? null : password.toCharArray();
    }

    /** Trusts the same certificates whatever host shows them, as the user asked for. */
    private static final class AnyHost extends X509ExtendedTrustManager {
        private final X509ExtendedTrustManager certificates;

        AnyHost(X509ExtendedTrustManager certificates) {
            this.certificates = certificates;
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String kind) throws CertificateException {
            certificates.checkServerTrusted(chain, kind);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String kind, Socket socket) throws CertificateException {
            certificates.checkServerTrusted(chain, kind);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String kind, SSLEngine engine) throws CertificateException {
            certificates.checkServerTrusted(chain, kind);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String kind) throws CertificateException {
            certificates.checkClientTrusted(chain, kind);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String kind, Socket socket) throws CertificateException {
            certificates.checkClientTrusted(chain, kind);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String kind, SSLEngine engine) throws CertificateException {
            certificates.checkClientTrusted(chain, kind);
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return certificates.getAcceptedIssuers();
        }
    }
}
