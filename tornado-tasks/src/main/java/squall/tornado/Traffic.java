package squall.tornado;

/**
 * Bytes that a task must move at least: its weights and states, each once. Activations are left out, they stay in caches.
 *
 * @param fixed       whatever the step
 * @param perSegment  for each sequence of the step: recurrent states and windows, there and back
 * @param perPosition for each position that a sequence has: keys and values
 * @param perExpert   for each expert that a row may go to
 * @param experts     how many there are
 */
record Traffic(long fixed, long perSegment, long perPosition, long perExpert, int experts) {
    static final Traffic NONE = new Traffic(0, 0, 0, 0, 0);

    Traffic plus(Traffic o) {
        return new Traffic(fixed + o.fixed, perSegment + o.perSegment, perPosition + o.perPosition, perExpert + o.perExpert,
                Math.max(experts, o.experts));
    }

    /**
     * @param positions of all sequences of the step together
     * @param choices   rows times the experts of each
     */
    long bytes(int segments, long positions, long choices) {
        return fixed + segments * perSegment + positions * perPosition + Math.min(choices, experts) * perExpert;
    }
}
