package squall.text.jinja;

import java.util.Locale;
import java.util.function.IntPredicate;

/** The methods of Python strings that look at letters alone: case, and the kind of all characters. */
final class Letters {
    private Letters() {
    }

    static Object call(String text, String name) {
        return switch (name) {
            case "upper" -> text.toUpperCase(Locale.ROOT);
            case "lower" -> text.toLowerCase(Locale.ROOT);
            case "capitalize" -> capitalize(text);
            case "title" -> title(text);
            case "isspace" -> all(text, Blanks::is);
            case "isdigit" -> all(text, Letters::isDigit);
            case "isdecimal" -> all(text, c -> Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER);
            case "isalpha" -> all(text, Character::isLetter);
            case "isalnum" -> all(text, c -> Character.isLetter(c) || isNumeric(c));
            case "isascii" -> text.codePoints().allMatch(c -> c < 128);
            case "isupper" -> cased(text, true);
            case "islower" -> cased(text, false);
            default -> throw new TemplateException("the method str." + name + "() is not supported");
        };
    }

    private static boolean all(String text, IntPredicate kind) {
        return !text.isEmpty() && text.codePoints().allMatch(kind);
    }

    private static boolean isDigit(int c) {
        if (c < 128) {
            return c >= '0' && c <= '9';
        }
        if (Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER) {
            return true;
        }
        if (Character.getType(c) == Character.OTHER_NUMBER) {
            throw new TemplateException("str.isdigit() of '" + Character.toString(c) + "' is not supported");
        }
        return false;
    }

    private static boolean isNumeric(int c) {
        return switch (Character.getType(c)) {
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> true;
            default -> false;
        };
    }

    private static boolean isCased(int c) {
        return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }

    /** Whether there is a letter with case, and all such are of the one asked for. */
    static boolean cased(String text, boolean upper) {
        return text.codePoints().anyMatch(Letters::isCased)
            && text.codePoints().filter(Letters::isCased).allMatch(c -> upper ? Character.isUpperCase(c) : Character.isLowerCase(c));
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.offsetByCodePoints(0, 1);
        return titleCase(text.codePointAt(0)) + text.toLowerCase(Locale.ROOT).substring(
            text.substring(0, first).toLowerCase(Locale.ROOT).length());
    }

    /** A letter after one that has no case begins a word. */
    private static String title(String text) {
        StringBuilder out = new StringBuilder(text.length());
        String lower = text.toLowerCase(Locale.ROOT);
        boolean inWord = false;
        boolean sameLength = lower.length() == text.length();
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            int lowered = sameLength ? lower.codePointAt(i) : Character.toLowerCase(c);
            out.append(inWord ? Character.toString(lowered) : titleCase(c));
            inWord = isCased(c);
            i += Character.charCount(c);
        }
        return out.toString();
    }

    /** The title case of one character, which may be several: that of the sharp s is "Ss". */
    private static String titleCase(int c) {
        String upper = Character.toString(c).toUpperCase(Locale.ROOT);
        if (upper.codePointCount(0, upper.length()) == 1) {
            return Character.toString(Character.toTitleCase(c));
        }
        int first = upper.offsetByCodePoints(0, 1);
        return upper.substring(0, first) + upper.substring(first).toLowerCase(Locale.ROOT);
    }
}
