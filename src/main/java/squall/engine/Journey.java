package squall.engine;

/** Is told how far the weights of a model are on their way to a device, by whichever thread takes them there. */
@FunctionalInterface
public interface Journey {
    /** Nobody watches. */
    Journey UNSEEN = (_, _, _) -> {};

    /** In order. */
    enum Leg {
        /** They are put into the arrays that the device takes. */
        LAY_OUT,
        /** The device gets them. */
        SEND
    }

    /** Bytes that are done, of all. */
    void at(Leg leg, long done, long total);
}
