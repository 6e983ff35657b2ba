package squall.ops;

/** Which experts each row goes to and with what weight, [rows, used], on a player's device: an opaque handle. */
public interface Routing {

    /** How the weights of the chosen experts are made from the softmax over all of them. */
    enum Weights {
        /** divided by their sum */
        NORMALISED,
        /** as they are */
        RAW
    }
}
