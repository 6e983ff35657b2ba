package squall.text;

/** Which pairs of tokens merge into which, and in what order. */
interface Merges {

    /** Those of the definition, in the form that needs the least to be done. */
    static Merges of(TokenizerDefinition definition, Vocabulary vocabulary) {
        Merges ordered = OrderedMerges.of(definition, vocabulary);
        return ordered != null ? ordered : new MergeTable(definition.merges(), vocabulary, definition.where());
    }

    /** The number of the merge of two tokens that text can become, or -1 where they do not merge. */
    int find(int left, int right);

    /** Lower merges first. */
    int rank(int merge);

    /** The token that the pair becomes. */
    int merged(int merge);
}
