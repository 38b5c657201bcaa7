package io.thalweg.shell;

/** Texts of others, made harmless where people read them. */
public final class Visible {
    private Visible() { }

    /**
     * The text with all signs written out that are not seen: names come from whoever submits a topology, and a line's end in
     * one would let it write lines of its own into the log.
     */
    public static String text(String text) {
        if (text == null || text.codePoints().noneMatch(Visible::moves)) {
            return text;
        }
        StringBuilder shown = new StringBuilder();
        text.codePoints().forEach(letter -> {
            if (moves(letter)) {
                shown.append(String.format("\\u{%x}", letter));
            } else {
                shown.appendCodePoint(letter);
            }
        });
        return shown.toString();
    }

    /** Control signs, separators of lines, and those that turn the direction of writing: the same as in the core's log. */
    private static boolean moves(int letter) {
        return Character.isISOControl(letter) || letter == 0x61c || letter == 0x200e || letter == 0x200f || letter >= 0x2028 && letter <= 0x202e
            || letter >= 0x2066 && letter <= 0x2069 || letter == 0xfeff;
    }
}
