package org.vellum.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** The version that the build wrote into the jar. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() throws IOException {
        final Properties properties = new Properties();
        try (InputStream in = Version.class.getResourceAsStream("/META-INF/maven/org.vellum/vellum/pom.properties")) {
            if (in != null) {
                properties.load(in);
            }
        }
        return new String[] {"vellum " + properties.getProperty("version", "(not packaged)")
            + " on Java " + Runtime.version()};
    }
}
