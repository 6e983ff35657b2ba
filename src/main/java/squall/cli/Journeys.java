package squall.cli;

import squall.engine.Journey;

/** Shows the way of weights to a device as progress bars, one for each leg of it. */
final class Journeys implements Journey, AutoCloseable {
    private final String device;
    private Leg leg;
    private Progress shown;

    Journeys(String device) {
        this.device = device;
    }

    @Override public synchronized void at(Leg leg, long done, long total) {
        if (leg != this.leg) {
            close();
            this.leg = leg;
            shown = Progress.ofBytes(leg == Leg.LAY_OUT ? "Lay out for " + device : "Send to " + device, total);
        }
        shown.at(done);
    }

    @Override public synchronized void close() {
        if (shown != null) shown.close();
        shown = null;
    }
}
