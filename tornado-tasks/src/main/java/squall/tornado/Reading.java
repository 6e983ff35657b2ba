package squall.tornado;

import java.util.List;
import java.util.function.Consumer;

/**
 * What a first reading of a part of the model shows, before there are arrays.
 *
 * @param survey    its sites, and what they stand for
 * @param highWater elements of the arena that it needs
 * @param scratch   what it needs for cuBLAS
 */
record Reading(Survey survey, List<String> tasks, int highWater, LibraryScratch scratch) {

    /**
     * @param rows       rows that the recording is for
     * @param alone      whether they are alone in their segments
     * @param maxOutputs rows of the head
     * @param base       element of the arena where its buffers start
     */
    static Reading of(Traits traits, int rows, boolean alone, int maxOutputs, int base, Consumer<TornadoOps> score) {
        Survey survey = new Survey();
        Frame frame = new Frame(null, null, null, 0, null, null, rows, alone, traits, new LibraryScratch());
        Tape tape = new Tape(null, null, frame);
        TornadoOps ops = new TornadoOps(tape, survey, rows, frame, maxOutputs, base);
        score.accept(ops);
        return new Reading(survey, tape.names(), ops.highWater(), frame.scratch());
    }
}
