package squall.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;

/**
 * How a value is laid out in {@code str.format} and in {@code %} formatting.
 *
 * @param fill      what it is padded with
 * @param align     {@code < > ^}, or {@code =} for padding between sign and digits
 * @param sign      {@code -}, {@code +} or a blank
 * @param grouping  {@code ,} or {@code _} between thousands, 0 for none
 * @param precision decimals of a number, length of a text, -1 where not given
 */
record Spec(String fill, char align, char sign, int width, char grouping, int precision) {

    /** No double has more. */
    private static final int MAX_DECIMALS = 1074;

    String text(Run run, String text) {
        int length = text.codePointCount(0, text.length());
        String cut = precision >= 0 && precision < length ? text.substring(0, text.offsetByCodePoints(0, precision)) : text;
        return padded(run, "", cut, align == 0 ? '<' : align);
    }

    /** @param type {@code d x X o b f F %} */
    String number(Run run, Object value, char type) {
        boolean negative;
        String digits;
        String suffix = "";
        if (type == 'f' || type == 'F' || type == '%') {
            double real = Numbers.real(value) * (type == '%' ? 100 : 1);
            negative = real < 0 || real == 0 && 1 / real < 0;
            digits = decimals(run, Math.abs(real), type == 'F');
            suffix = type == '%' ? "%" : "";
        } else {
            BigInteger integer = Numbers.big(value);
            negative = integer.signum() < 0;
            int base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
            digits = integer.abs().toString(base);
            digits = type == 'X' ? digits.toUpperCase(java.util.Locale.ROOT) : digits;
        }
        if (grouping != 0) {
            digits = grouped(digits, type == 'd' || type == 'f' || type == 'F' || type == '%' ? 3 : 4);
        }
        String mark = negative ? "-" : sign == '-' ? "" : String.valueOf(sign);
        return padded(run, mark, digits + suffix, align == 0 ? '>' : align);
    }

    private String decimals(Run run, double real, boolean upper) {
        if (Double.isNaN(real) || Double.isInfinite(real)) {
            String name = Double.isNaN(real) ? "nan" : "inf";
            return upper ? name.toUpperCase(java.util.Locale.ROOT) : name;
        }
        int places = precision < 0 ? 6 : precision;
        run.spendText(places);
        int exact = Math.min(places, MAX_DECIMALS);
        return new BigDecimal(real).setScale(exact, RoundingMode.HALF_EVEN).toPlainString() + "0".repeat(places - exact);
    }

    private String grouped(String digits, int size) {
        int dot = digits.indexOf('.');
        StringBuilder out = new StringBuilder(digits);
        for (int i = (dot < 0 ? digits.length() : dot) - size; i > 0; i -= size) {
            out.insert(i, grouping);
        }
        return out.toString();
    }

    private String padded(Run run, String mark, String body, char side) {
        int missing = Math.max(0, width - mark.length() - body.codePointCount(0, body.length()));
        run.spendText((long) missing + mark.length() + body.length());
        return switch (side) {
            case '=' -> mark + fill.repeat(missing) + body;
            case '<' -> mark + body + fill.repeat(missing);
            case '^' -> fill.repeat(missing / 2) + mark + body + fill.repeat(missing - missing / 2);
            default -> fill.repeat(missing) + mark + body;
        };
    }
}
