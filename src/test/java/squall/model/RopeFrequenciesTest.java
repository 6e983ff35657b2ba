package squall.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import squall.model.RopeFrequencies.Yarn;
import squall.ops.Rope;

/** Against the bits that transformers 5.18 with torch 2.13 computes on a CPU. */
class RopeFrequenciesTest {

    @Test void partialRotationOfTheHybridsIsBitEqual() {
        assertBits(0, RopeFrequencies.plain(64, 1e7), """
            3f800000 3f1ab32b 3ebaf81b 3e61f835 3e088d77 3da50956 3d47763f 3cf11177 3c91ad39 3c301052 3bd4ca15 3b80967d 3b1b690d 3abbd3ed
            3a6301e2 3a092e02 39a5cb60 394860c1 38f22ce2 3892587e 3830df52 37d5c441 37812dab 371c1fc4 36bcb0c1 36640cc6 3609cf4a 35a68e4c
            35494c57 34f3499d 3493048e 3431af44""");
    }

    @Test void fullRotationIsOneUlpOffOnce() {
        // The reference's vector power is one ulp away from the rounded double power at j = 37.
        assertBits(1, RopeFrequencies.plain(128, 1e6), """
            3f800000 3f4e4bad 3f263de0 3f05f6ef 3ed7e89b 3eadfcff 3e8c3504 3e61f835 3e361887 3e12bd91 3dec7fd6 3dbe94c6 3d99940d 3d778513
            3d47763f 3d20bc1d 3d0186e3 3cd0c1a8 3ca8398b 3c879008 3c5a7bf2 3c301052 3c0de12d 3be4aa46 3bb8449c 3b947dae 3b6f520e 3b40dac5
            3b1b690d 3afa78f0 3ac9d75c 3aa2a6f7 3a83126f 3a533f28 3a2a3b44 3a092e02 39dd1725 39b229fb 398f9272 39676492 393a7753 39164324
            38f22ce2 38c327b5 389d43a4 387d75d4 384c3fbe 382497ab 3804a2b2 37d5c441 37ac431d 378ad0ed 375fba4f 37344a0e 371148e3 36ea2732
            36bcb0c1 36980e02 36751070 36457bab 361f23e4 36003dec 35ceaf79 35a68e4c""");
    }

    @Test void yarnOfQwen3() {
        Yarn y = new Yarn(4, 32768, 32, 1, true, Yarn.attention(4, 1));
        Rope r = RopeFrequencies.yarn(128, 1e6, y);
        assertEquals((float) 1.138629436111989, r.scale());
        assertBits(1, r, """
            3f800000 3f4e4bad 3f263de0 3f05f6ef 3ed7e89b 3eadfcff 3e8c3504 3e61f835 3e361887 3e12bd91 3dec7fd6 3dbe94c6 3d99940d 3d778513
            3d47763f 3d20bc1d 3d0186e3 3cd0c1a8 3ca8398b 3c879008 3c5a7bf2 3c301052 3c0de12d 3be4aa46 3bb02377 3b876388 3b4fa550 3b1ed248
            3af241df 3ab82bc0 3a8b8207 3a527db8 3a1e0eb2 39ec1968 39af3d02 39811c3e 393c93be 39083e38 38c23e9a 38881d0a 383a7753 38164324
            37f22ce2 37c327b5 379d43a4 377d75d4 374c3fbe 372497ab 3704a2b2 36d5c441 36ac431d 368ad0ed 365fba4f 36344a0e 361148e3 35ea2732
            35bcb0c1 35980e02 35751070 35457bab 351f23e4 35003dec 34ceaf79 34a68e4c""");
    }

    @Test void yarnWithEveryOption() {
        double attention = Yarn.attention(2, 0.8) / Yarn.attention(2, 0.4);
        Rope r = RopeFrequencies.yarn(64, 1e7, new Yarn(2, 262144, 24, 2, false, attention));
        assertEquals((float) 1.0269779009822664, r.scale());
        assertBits(0, r, """
            3f800000 3f1ab32b 3ebaf81b 3e61f835 3e088d77 3da50956 3d47763f 3cf11177 3c91ad39 3c301052 3bd4ca15 3b80967d 3b1b690d 3abbd3ed
            3a6301e2 3a069143 3991d580 391bf213 38a3ee24 382875ed 37b0df52 3755c441 37012dab 369c1fc4 363cb0c1 35e40cc6 3589cf4a 35268e4c
            34c94c57 3473499d 3413048e 33b1af44""");
    }

    @Test void yarnOfShortContexts() {
        assertBits(0, RopeFrequencies.yarn(32, 1e6, new Yarn(4, 256, 32, 1, true, 1.5)), """
            3f800000 3eb785b7 3dfeef24 3d28efa7 3c4f3e38 3b5a7bf2 3ab8449c 3a1b690d 3983126f 38dd1725 383a7753 379d43a4 3704a2b2 365fba4f
            35bcb0c1 351f23e4""");
    }

    @Test void aRampOfNoWidthIsAStep() {
        // 16 ln(1000 / 64 pi) / (2 ln 10^4) = 1.39
        float[] plain = RopeFrequencies.plain(16, 1e4).frequencies();
        float[] f = RopeFrequencies.yarn(16, 1e4, new Yarn(2, 1000, 32, 32, false, 1)).frequencies();
        for (int j = 0; j < f.length; j++) assertEquals(j < 2 ? plain[j] : plain[j] / 2, f[j]);
    }

    private static void assertBits(int ulpsOff, Rope rope, String hex) {
        String[] expected = hex.split("\\s+");
        assertEquals(expected.length, rope.frequencies().length);
        int off = 0;
        for (int j = 0; j < expected.length; j++) {
            int difference = Math.abs(Float.floatToIntBits(rope.frequencies()[j]) - Integer.parseUnsignedInt(expected[j], 16));
            assertTrue(difference <= 1, "frequency " + j);
            off += difference;
        }
        assertTrue(off <= ulpsOff, off + " ulps off in all");
    }
}
