package squall.tornado.kernels;

import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.Slab;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Housekeeping of what lives on the device. TornadoVM sends an array when a task reads it and makes room for it when a task
 * writes it, so every resident needs one task of the first graph; from there the graphs hand it on.
 */
public final class Residents {
    private static final int GROUP = 64;
    private static final int COPY_GROUPS = 64;

    private Residents() {}

    /** Sends an array to the device: reads an element of it. sink: an IntArray of the graph that only this uses. */
    public static void send(Tape tape, Object array, IntArray sink) {
        Frame f = tape.frame();
        tape.add("send", Grid.fixed(1, 1), (g, id) -> {
            switch (array) {
                case FloatArray a -> g.task(id, Residents::kSendFloats, f.context(), sink, a);
                case ShortArray a -> g.task(id, Residents::kSendShorts, f.context(), sink, a);
                case ByteArray a -> g.task(id, Residents::kSendBytes, f.context(), sink, a);
                case IntArray a -> g.task(id, Residents::kSendInts, f.context(), sink, a);
                case LongArray a -> g.task(id, Residents::kSendLongs, f.context(), sink, a);
                case HalfFloatArray a -> g.task(id, Residents::kSendHalves, f.context(), sink, a);
                default -> throw new IllegalArgumentException("no kernel reads a " + array.getClass().getSimpleName());
            }
        });
    }

    /** Makes room for an array on the device: writes an element of it. */
    public static void open(Tape tape, Object array) {
        Frame f = tape.frame();
        tape.add("open", Grid.fixed(1, 1), (g, id) -> {
            switch (array) {
                case FloatArray a -> g.task(id, Residents::kOpenFloats, f.context(), a);
                case IntArray a -> g.task(id, Residents::kOpenInts, f.context(), a);
                case HalfFloatArray a -> g.task(id, Residents::kOpenHalves, f.context(), a);
                case LongArray a -> g.task(id, Residents::kOpenLongs, f.context(), a);
                case ShortArray a -> g.task(id, Residents::kOpenShorts, f.context(), a);
                default -> throw new IllegalArgumentException("no kernel writes a " + array.getClass().getSimpleName());
            }
        });
    }

    /** Makes room for the states of a slab and fills it with zeros: a state is copied whole, also where no step has written to it. */
    public static void clear(Tape tape, Slab slab) {
        Frame f = tape.frame();
        tape.add("clear", Grid.fixed(COPY_GROUPS, GROUP), (g, id) -> g.task(id, Residents::kClear, f.context(), slab.array(), slab.array().getSize()));
    }

    static void kClear(KernelContext context, FloatArray a, int size) {
        int i = context.globalIdx;
        // what is left, not i, is compared: i may pass the largest int behind the last element
        for (int left = size - i; left > 0; left -= COPY_GROUPS * GROUP) {
            a.set(i, 0f);
            i += COPY_GROUPS * GROUP;
        }
    }

    static void kSendFloats(KernelContext context, IntArray sink, FloatArray a) {
        if (context.globalIdx == 0 && a.get(0) > 0f) sink.set(0, 1);
    }

    static void kSendShorts(KernelContext context, IntArray sink, ShortArray a) {
        if (context.globalIdx == 0 && a.get(0) > 0) sink.set(0, 1);
    }

    static void kSendBytes(KernelContext context, IntArray sink, ByteArray a) {
        if (context.globalIdx == 0 && a.get(0) > 0) sink.set(0, 1);
    }

    static void kSendInts(KernelContext context, IntArray sink, IntArray a) {
        if (context.globalIdx == 0 && a.get(0) > 0) sink.set(0, 1);
    }

    static void kSendLongs(KernelContext context, IntArray sink, LongArray a) {
        if (context.globalIdx == 0 && a.get(0) > 0) sink.set(0, 1);
    }

    static void kSendHalves(KernelContext context, IntArray sink, HalfFloatArray a) {
        if (context.globalIdx == 0 && a.get(0).getFloat32() > 0f) sink.set(0, 1);
    }

    static void kOpenFloats(KernelContext context, FloatArray a) {
        a.set(context.globalIdx, 0f);
    }

    static void kOpenInts(KernelContext context, IntArray a) {
        a.set(context.globalIdx, 0);
    }

    static void kOpenHalves(KernelContext context, HalfFloatArray a) {
        a.set(context.globalIdx, new HalfFloat(0f));
    }

    static void kOpenLongs(KernelContext context, LongArray a) {
        a.set(context.globalIdx, 0);
    }

    static void kOpenShorts(KernelContext context, ShortArray a) {
        a.set(context.globalIdx, (short) 0);
    }

    /** Brings the device's page table up to date: {@code table[step[patchesAt + 2 i]] = step[patchesAt + 2 i + 1]}. */
    public static void patch(Tape tape, IntArray table, int patchesAt) {
        Frame f = tape.frame();
        tape.add("patch", Grid.fixed(1, GROUP), (g, id) -> g.task(id, Residents::kPatch, f.context(), table, f.step(), patchesAt));
    }

    static void kPatch(KernelContext context, IntArray table, IntArray step, int patchesAt) {
        int patches = step.get(StepArray.PATCHES);
        for (int i = context.globalIdx; i < patches; i += GROUP) {
            table.set(step.get(patchesAt + 2 * i), step.get(patchesAt + 2 * i + 1));
        }
    }

    /** Brings the residual stream of a step's rows to the arena's start: {@code arena[i] = stream[i]}, i < rows * dim. */
    public static void take(Tape tape, FloatArray stream, Region x) {
        Frame f = tape.frame();
        tape.add("take", Grid.itemsPerRow(x.width(), GROUP), (g, id) -> g.task(id, Residents::kTake, f.context(), f.arena(), stream, f.step(), x.at(),
                x.width()));
    }

    static void kTake(KernelContext context, FloatArray arena, FloatArray stream, IntArray step, int x, int dim) {
        int i = context.globalIdx;
        if (i < step.get(StepArray.ROWS) * dim) {
            arena.set(x + i, stream.get(i));
        }
    }

    /** Copies the states of place {@code places[0]} to place {@code places[1]}, in all layers of a slab. */
    public static void copy(Tape tape, Slab slab, int layers, IntArray places) {
        Frame f = tape.frame();
        tape.add("copy", Grid.fixed(COPY_GROUPS, GROUP), (g, id) -> g.task(id, Residents::kCopy, f.context(), slab.array(), places,
                layers, slab.layerStride(), slab.slotStride()));
    }

    static void kCopy(KernelContext context, FloatArray states, IntArray places, int layers, int layerStride, int slotStride) {
        int from = places.get(0) * slotStride;
        int to = places.get(1) * slotStride;
        for (int layer = 0; layer < layers; layer++) {
            for (int i = context.globalIdx; i < slotStride; i += COPY_GROUPS * GROUP) {
                states.set(layer * layerStride + to + i, states.get(layer * layerStride + from + i));
            }
        }
    }
}
