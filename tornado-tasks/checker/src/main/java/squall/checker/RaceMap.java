package squall.checker;

/**
 * Who touched which element in one launch. The checker runs one work-group after the other and, within a group, one
 * barrier-to-barrier segment after the other; so the past of an element fits in a few numbers and no race is missed:
 * <ul>
 * <li>the last write (all writes so far are ordered, or a race was already reported),</li>
 * <li>the last read, a read of the same segment by another work-item, and a read by an earlier group.</li>
 * </ul>
 * Two accesses of different work-items are ordered only if both are of one group and a barrier of the right kind lies
 * between. The values written play no part: two work-items that write the same number race as well.
 */
final class RaceMap {

    private static final int PAGE_BITS = 9;
    private static final int WRITER = 0;
    private static final int WRITE_PHASE = 1;
    private static final int WRITE_SITE = 2;
    private static final int READER = 3;
    private static final int READ_PHASE = 4;
    private static final int READ_SITE = 5;
    private static final int MATE = 6;
    private static final int MATE_SITE = 7;
    private static final int OTHER = 8;
    private static final int OTHER_SITE = 9;
    private static final int ATOMIC = 10;
    private static final int FIELDS = 11;
    /** In ATOMIC: one work-item, several of one group, several groups. */
    private static final int ONE = 1;
    private static final int GROUP = 2;
    private static final int MANY = 3;

    /** An earlier access that is not ordered with the present one; item -1 where several did it. */
    record Clash(boolean earlierWrote, int earlierItem, int earlierSite) {
    }

    private final int[][] pages;
    private final boolean local;

    RaceMap(int size, boolean local) {
        this.pages = new int[(size >> PAGE_BITS) + 1][];
        this.local = local;
    }

    private int[] page(int index) {
        int[] page = pages[index >> PAGE_BITS];
        if (page == null) {
            page = new int[FIELDS << PAGE_BITS];
            pages[index >> PAGE_BITS] = page;
        }
        return page;
    }

    private static int base(int index) {
        return (index & ((1 << PAGE_BITS) - 1)) * FIELDS;
    }

    private int phase() {
        return local ? Probe.localPhase : Probe.globalPhase;
    }

    private static boolean sameGroup(int item) {
        return Probe.groupOf(item) == Probe.group;
    }

    /** Not ordered: another work-item, of another group or of the same segment. */
    private boolean concurrent(int item, int phase) {
        return item != Probe.item && (!sameGroup(item) || phase == phase());
    }

    Clash read(int index) {
        if (Probe.atomic) {
            return null;
        }
        int[] page = page(index);
        int at = base(index);
        Clash clash = withWrite(page, at, false);
        if (clash == null) {
            noteRead(page, at);
        }
        return clash;
    }

    private void noteRead(int[] page, int at) {
        int last = page[at + READER] - 1;
        int phase = phase();
        if (last >= 0 && last != Probe.item) {
            if (!sameGroup(last)) {
                page[at + OTHER] = last + 1;
                page[at + OTHER_SITE] = page[at + READ_SITE];
                page[at + MATE] = 0;
            } else if (page[at + READ_PHASE] == phase) {
                page[at + MATE] = last + 1;
                page[at + MATE_SITE] = page[at + READ_SITE];
            } else {
                page[at + MATE] = 0;
            }
        } else if (last >= 0 && page[at + READ_PHASE] != phase) {
            page[at + MATE] = 0;
        }
        page[at + READER] = Probe.item + 1;
        page[at + READ_PHASE] = phase;
        page[at + READ_SITE] = Probe.site;
    }

    /** Also for an atomic step, of which the reading half needs no check of its own. */
    Clash write(int index) {
        int[] page = page(index);
        int at = base(index);
        Clash clash = withWrite(page, at, Probe.atomic);
        if (clash == null) {
            clash = withReads(page, at);
        }
        if (clash == null) {
            noteWrite(page, at);
        }
        return clash;
    }

    private void noteWrite(int[] page, int at) {
        page[at + ATOMIC] = Probe.atomic ? crowd(page, at) : 0;
        page[at + WRITER] = Probe.item + 1;
        page[at + WRITE_PHASE] = phase();
        page[at + WRITE_SITE] = Probe.site;
    }

    /** How many work-items' atomic writes an access may now be concurrent with. */
    private int crowd(int[] page, int at) {
        int last = page[at + WRITER] - 1;
        if (last < 0 || page[at + ATOMIC] == 0) {
            return ONE;
        }
        if (page[at + ATOMIC] == MANY || !sameGroup(last)) {
            return MANY;
        }
        if (page[at + WRITE_PHASE] != phase()) {
            return ONE;
        }
        return last == Probe.item ? page[at + ATOMIC] : GROUP;
    }

    private Clash withWrite(int[] page, int at, boolean atomically) {
        int last = page[at + WRITER] - 1;
        if (last < 0 || atomically && page[at + ATOMIC] != 0) {
            return null;
        }
        boolean clash = switch (page[at + ATOMIC]) {
            case MANY -> true;
            case GROUP -> !sameGroup(last) || page[at + WRITE_PHASE] == phase();
            default -> concurrent(last, page[at + WRITE_PHASE]);
        };
        return clash ? new Clash(true, page[at + ATOMIC] > ONE ? -1 : last, page[at + WRITE_SITE]) : null;
    }

    private Clash withReads(int[] page, int at) {
        int last = page[at + READER] - 1;
        if (last >= 0 && concurrent(last, page[at + READ_PHASE])) {
            return new Clash(false, last, page[at + READ_SITE]);
        }
        int mate = page[at + MATE] - 1;
        if (mate >= 0 && concurrent(mate, page[at + READ_PHASE])) {
            return new Clash(false, mate, page[at + MATE_SITE]);
        }
        int other = page[at + OTHER] - 1;
        if (other >= 0 && !sameGroup(other)) {
            return new Clash(false, other, page[at + OTHER_SITE]);
        }
        return null;
    }
}
