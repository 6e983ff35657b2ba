package squall.checker;

/** One work-group whose work-items wait for each other: at barriers, and in warps of 32. */
final class GroupRun {

    private static final int WARP = 32;

    private final GroupLaunch launch;
    private final WorkItem[] items;
    private final int firstItem;

    GroupRun(GroupLaunch launch, int group, int size) {
        this.launch = launch;
        this.firstItem = group * size;
        this.items = new WorkItem[size];
        for (int id = 0; id < size; id++) {
            WorkItem item = new WorkItem(launch, id);
            item.coroutine = Coroutine.of(() -> launch.callFor(item));
            items[id] = item;
        }
    }

    void run() {
        try {
            boolean more = true;
            while (more) {
                for (int first = 0; first < items.length; first += WARP) {
                    runWarp(first, Math.min(items.length, first + WARP));
                }
                more = passBarrier();
            }
        } finally {
            for (WorkItem item : items) {
                item.coroutine.abandon();
            }
        }
    }

    private void runWarp(int first, int end) {
        do {
            for (int id = first; id < end; id++) {
                step(items[id]);
            }
        } while (exchange(first, end));
    }

    private void step(WorkItem item) {
        if (item.state != WorkItem.State.READY) {
            return;
        }
        enter(item);
        Probe.site = item.waitingAt;
        if (item.coroutine.resume()) {
            item.state = WorkItem.State.DONE;
            item.waitingAt = Probe.site;
        }
    }

    private void enter(WorkItem item) {
        launch.enter(item, firstItem + item.localId);
    }

    /** Hands the offered values round if the lanes of the warp wait for that; all must. */
    private boolean exchange(int first, int end) {
        WorkItem waiting = null;
        for (int id = first; id < end; id++) {
            if (items[id].state == WorkItem.State.IN_WARP) {
                waiting = items[id];
                break;
            }
        }
        if (waiting == null) {
            return false;
        }
        Object[] values = new Object[WARP];
        for (int id = first; id < end; id++) {
            WorkItem item = items[id];
            if (item.state != WorkItem.State.IN_WARP || item.waitingAt != waiting.waitingAt) {
                throw together(waiting, item, "exchange between the lanes of a warp");
            }
            values[id - first] = item.offered;
        }
        if (end - first < WARP) {
            enter(waiting);
            throw Probe.failure(Fault.BARRIER, -1, "a warp of " + (end - first) + " work-items: the local size must be a multiple of 32");
        }
        for (int id = first; id < end; id++) {
            items[id].received = values;
            items[id].state = WorkItem.State.READY;
        }
        return true;
    }

    /** True if all wait at one barrier, which is then passed; false if all have ended. */
    private boolean passBarrier() {
        WorkItem reference = items[0];
        for (WorkItem item : items) {
            if (item.state == WorkItem.State.AT_BARRIER) {
                reference = item;
                break;
            }
        }
        for (WorkItem item : items) {
            if (item.state != reference.state || item.waitingAt != reference.waitingAt && item.state == WorkItem.State.AT_BARRIER) {
                throw together(reference, item, "barrier");
            }
        }
        if (reference.state == WorkItem.State.DONE) {
            return false;
        }
        if (reference.localBarrier) {
            Probe.localPhase++;
        } else {
            Probe.globalPhase++;
        }
        for (WorkItem item : items) {
            item.state = WorkItem.State.READY;
        }
        return true;
    }

    private CheckFailure together(WorkItem waiting, WorkItem other, String what) {
        enter(waiting);
        Probe.site = waiting.waitingAt;
        String elsewhere = switch (other.state) {
            case DONE -> "has ended";
            case AT_BARRIER -> "waits at the barrier of " + Sites.at(other.waitingAt);
            default -> "is at " + Sites.at(other.waitingAt);
        };
        return Probe.failure(Fault.BARRIER, -1, "the " + what + " is not reached by all: "
                + launch.describe(firstItem + other.localId) + " " + elsewhere + ". Move it out of the branch or loop, or let all take part");
    }
}
