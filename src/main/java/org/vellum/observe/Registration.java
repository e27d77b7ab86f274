package org.vellum.observe;

import java.lang.management.ManagementFactory;
import javax.management.InstanceAlreadyExistsException;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.ObjectName;

/** One memory at the platform's MBean server, until it is run. */
final class Registration implements Runnable {
    private static final String PLAIN_NAME = "[A-Za-z0-9._-]+";

    private final ObjectName objectName;

    private Registration(final ObjectName objectName) {
        this.objectName = objectName;
    }

    static Registration of(final String name, final VellumMXBean bean) {
        try {
            final ObjectName objectName =
                new ObjectName("org.vellum:type=Memory,name=" + (name.matches(PLAIN_NAME) ? name : ObjectName.quote(name)));
            ManagementFactory.getPlatformMBeanServer().registerMBean(bean, objectName);
            return new Registration(objectName);
        } catch (final InstanceAlreadyExistsException e) {
            throw new IllegalStateException("in use already: jmx=" + name, e);
        } catch (final JMException e) {
            throw new IllegalStateException("cannot be registered: jmx=" + name, e);
        }
    }

    /** Unregisters it. */
    @Override
    public void run() {
        try {
            ManagementFactory.getPlatformMBeanServer().unregisterMBean(objectName);
        } catch (final InstanceNotFoundException ignored) {
            // Somebody else has done so already.
        } catch (final JMException e) {
            throw new IllegalStateException("cannot be unregistered: " + objectName, e);
        }
    }
}
