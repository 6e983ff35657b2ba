package squall.sample;

/**
 * What a draw needs that is made where the logits are, without the {@link Sampler} that asks for it.
 *
 * @param uniform the sampler's next number, from [0, 1); 0 where nothing is left to chance
 * @param vocab   ids from here on are never chosen
 */
public record Wish(Sampling sampling, double uniform, int vocab) {}
