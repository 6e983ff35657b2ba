package squall.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import squall.engine.EngineOptions;
import squall.engine.Evaluation;
import squall.engine.Logits;
import squall.engine.MemoryPlan;
import squall.format.IoReason;

/**
 * {@code squall perplexity}: how well a model predicts a text. As in llama.cpp the text is cut into chunks of the context's
 * length, each on its own, and the second half of each is scored, where every token has half a context before it.
 */
@Command(name = "perplexity", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Perplexity of a text, and how far a model is from another one.")
final class PerplexityCommand implements Callable<Integer> {
    private static final int USUAL_CHUNK = 512;
    private static final int LEAST_CHUNK = 8;

    private final Streams streams;

    @Mixin private ModelOptions model;

    @Mixin private DeviceOptions device;

    @Option(names = {"-f", "--file"}, paramLabel = "FILE", required = true, description = "The text, UTF-8.")
    private Path file;

    @Option(names = "--chunks", paramLabel = "N", defaultValue = "-1", description = "Most chunks to score; -1: all (default).")
    private int chunks;

    @Option(names = "--against", paramLabel = "PATH",
            description = "A second model file, taken as the reference: also print the mean Kullback-Leibler divergence from it.")
    private Path against;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    PerplexityCommand(Streams streams) {
        this.streams = streams;
    }

    @Override public Integer call() {
        String text = text();
        int chunk = model.context() == MemoryPlan.UNASKED ? USUAL_CHUNK : model.context();
        EngineOptions options = model.engine(1).withContext(chunk);
        try (LoadedModel scored = LoadedModel.openForIds(model.path(), model, device, streams, options);
             LoadedModel reference = against == null ? null : LoadedModel.openForIds(against, model, device, streams, options)) {
            int[] ids = scored.tokenizer().encodeText(text);
            if (reference != null) check(scored, reference, ids, text);
            print(score(scored, reference, ids), scored.options().contextLength(), scored, reference);
        }
        return Squall.DONE;
    }

    private String text() {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UnusableException("-f " + file + " cannot be read: " + IoReason.of(e));
        }
    }

    private void check(LoadedModel scored, LoadedModel reference, int[] ids, String text) {
        if (scored.config().vocab() != reference.config().vocab())
            throw new UnusableException("--against " + against + ": a vocabulary of " + scored.config().vocab()
                    + " expected, as the model has, found " + reference.config().vocab());
        if (!Arrays.equals(ids, reference.tokenizer().encodeText(text)))
            throw new UnusableException("--against " + against + ": its tokenizer gives other tokens for this text than the model's");
    }

    private Scores score(LoadedModel scored, LoadedModel reference, int[] ids) {
        int length = scored.options().contextLength();
        if (length < LEAST_CHUNK) throw new UnusableException("chunks of " + LEAST_CHUNK + " tokens or more expected, found -c " + length);
        int count = ids.length / length;
        if (count == 0)
            throw new UnusableException("-f " + file + ": at least one chunk of " + length + " tokens expected, found " + ids.length
                    + " tokens; take a longer text or a smaller -c");
        if (chunks >= 0) count = Math.min(count, chunks);
        if (count == 0) throw new UnusableException("--chunks 0 leaves nothing to score; use 1 or more, or -1");
        int rows = Math.min(scored.options().batch(), Evaluation.mostRows(scored.config().vocab()));
        Scores scores = new Scores();
        try (Progress progress = new Progress("Chunks", count)) {
            for (int c = 0; c < count; c++) {
                int[] chunk = Arrays.copyOfRange(ids, c * length, (c + 1) * length);
                scoreChunk(scores, chunk, rows, scored, reference);
                progress.at(c + 1);
                if (!json) streams.note(String.format(Locale.ROOT, "[%d/%d] %.4f", c + 1, count, scores.perplexity()));
            }
        }
        return scores;
    }

    private static void scoreChunk(Scores scores, int[] chunk, int rows, LoadedModel scored, LoadedModel reference) {
        int from = chunk.length / 2;
        Evaluation a = new Evaluation(scored.executor(), 0, chunk, from, rows, null);
        Evaluation b = reference == null ? null : new Evaluation(reference.executor(), 0, chunk, from, rows, null);
        while (!a.isDone()) {
            Logits logits = a.next();
            Logits other = b == null ? null : b.next();
            // the last position predicts a token that the chunk does not have
            int scorable = Math.min(logits.rows(), chunk.length - 1 - (a.done() - logits.rows()));
            scores.add(logits, other, chunk, a.done() - logits.rows() + 1, scorable);
        }
    }

    private void print(Scores s, int chunk, LoadedModel scored, LoadedModel reference) {
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("model", scored.file().path().toString());
            all.put("n_ctx", chunk);
            all.put("tokens_scored", s.count());
            all.put("perplexity", s.perplexity());
            all.put("perplexity_error", s.perplexityError());
            if (reference != null) {
                all.put("against", reference.file().path().toString());
                all.put("perplexity_against", s.referencePerplexity());
                all.put("kl_mean", s.divergence());
                all.put("kl_mean_error", s.divergenceError());
                all.put("kl_max", s.largestDivergence());
                all.put("top1_agreement", s.agreement());
            }
            streams.println(Json.write(all));
            return;
        }
        streams.println(String.format(Locale.ROOT, "Final estimate: PPL = %.4f +/- %.5f (%d tokens scored, chunks of %d)",
                s.perplexity(), s.perplexityError(), s.count(), chunk));
        if (reference == null) return;
        streams.println(String.format(Locale.ROOT, "Reference:      PPL = %.4f", s.referencePerplexity()));
        streams.println(String.format(Locale.ROOT, "Mean KLD = %.6f +/- %.6f, maximum %.6f", s.divergence(), s.divergenceError(),
                s.largestDivergence()));
        streams.println(String.format(Locale.ROOT, "Same top token: %.3f %%", 100 * s.agreement()));
    }
}
