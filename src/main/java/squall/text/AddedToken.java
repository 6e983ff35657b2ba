package squall.text;

/**
 * A token that is found in the text before anything else is done to it.
 *
 * @param content    its text
 * @param id         its id
 * @param special    a control token: part of the conversation's frame, never of its content
 * @param normalized looked for after Unicode normalisation, not before
 * @param lstrip     takes the blanks before it along
 * @param rstrip     takes the blanks behind it along
 * @param singleWord only where no word character touches it
 */
record AddedToken(String content, int id, boolean special, boolean normalized, boolean lstrip, boolean rstrip,
        boolean singleWord) {

    /** One that is matched exactly, as all of Qwen's are. */
    static AddedToken exact(String content, int id, boolean special) {
        return new AddedToken(content, id, special, false, false, false, false);
    }

    /** The same token as part of the frame. Such a token is always matched in the text as written. */
    AddedToken asSpecial() {
        return new AddedToken(content, id, true, false, lstrip, rstrip, singleWord);
    }
}
