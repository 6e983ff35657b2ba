package squall.cli;

import java.util.Set;
import squall.engine.Engine;
import squall.engine.Request;
import squall.engine.Sequence;
import squall.sample.Sampler;
import squall.sample.Sampling;
import squall.sample.SamplingDefaults;
import squall.text.Tokenizer;

/** Answers of one model with one set of flags. */
final class Generation {
    private final LoadedModel loaded;
    private final Tokenizer tokenizer;
    private final Engine engine;
    private final AnswerOptions answer;
    private final SamplingOptions flags;
    private final SamplingDefaults defaults;
    private final Sampling sampling;
    private final long seed;
    private final int[] masked;
    private int answers;
    private Progress progress;

    Generation(LoadedModel loaded, SamplingOptions flags, AnswerOptions answer, Engine.Reuse reuse) {
        this.loaded = loaded;
        this.flags = flags;
        this.answer = answer;
        this.tokenizer = loaded.tokenizer();
        this.engine = loaded.engine(reuse);
        this.defaults = loaded.sampling();
        this.sampling = flags.over(defaults.sampling());
        this.seed = flags.seed();
        Set<Integer> stops = tokenizer.stopIds();
        // padding rows of the vocabulary, and the end itself where it is not wanted
        this.masked = Sampler.masked(loaded.config().vocab(), id -> id < tokenizer.size() && tokenizer.isUsable(id)
                && !(answer.endless() && stops.contains(id)));
    }

    void describe(Streams streams) {
        streams.note("sampling:    " + flags.describe(defaults));
        streams.note("seed:        " + seed);
    }

    /** stable: tokens of the prompt that a next turn repeats. */
    Sequence submit(int[] prompt, int stable, Request.Listener listener) {
        Tokenizer.Stream text = tokenizer.stream();
        Sampler sampler = new Sampler(sampling, seed + answers++, loaded.config().vocab(), masked);
        try {
            return engine.submit(new Request(prompt, stable, sampler, answer.most() == -1 ? Request.UNTIL_FULL : answer.most(),
                    answer.endless() ? Set.of() : tokenizer.stopIds(), answer.stops(), new Request.TextStream() {
                        @Override public String add(int id) {
                            return text.next(id);
                        }

                        @Override public String end() {
                            return text.flush();
                        }
                    }, afterProgress(listener)));
        } catch (IllegalArgumentException e) {
            throw new UnusableException(e.getMessage());
        }
    }

    /** The bar goes before the first text comes. */
    private Request.Listener afterProgress(Request.Listener listener) {
        return new Request.Listener() {
            @Override public void token(int id, String text) {
                if (progress != null) progress.close();
                listener.token(id, text);
            }

            @Override public void end(Sequence.End why, String text) {
                if (progress != null) progress.close();
                listener.end(why, text);
            }
        };
    }

    /** Runs it to its end, with a bar on the terminal while a long prompt is read. */
    void run(Sequence sequence) {
        try (Progress bar = new Progress("Prompt", sequence.promptLength())) {
            progress = bar;
            while (sequence.end() == null) {
                engine.step();
                bar.at(sequence.done());
            }
        }
        if (sequence.failure() != null) throw sequence.failure();
    }
}
