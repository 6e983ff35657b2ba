/**
 * Runs TornadoVM task graphs on the JVM and checks them, in the way Oclgrind does for OpenCL. For tests only.
 *
 * <p>The packages below {@code uk.ac.manchester.tornado.api} have the names and signatures of TornadoVM 5.2.0-jdk25, as
 * far as this project uses them, so that the same sources compile against either. Behind them:
 *
 * <ul>
 * <li><b>Memory.</b> Each graph keeps device copies of its arrays ({@link squall.checker.GraphRun}). They are filled and
 * brought back by the rules of TornadoVM: what the first task only writes is never uploaded, what a graph does not
 * consume it has a copy of its own of. A note of which elements were ever written finds reads of nothing.
 * <li><b>Work-items.</b> A kernel with a {@code KernelContext} runs one work-group after the other; inside a group each
 * work-item is a coroutine that runs to the next barrier, then the next one does ({@link squall.checker.GroupRun}). So a run
 * is repeatable, barriers and warps of 32 lanes have their real meaning, and there is no locking on the way to memory.
 * <li><b>{@code @Parallel} loops.</b> The Java method runs its loops in order, so the turns must be told apart. The class
 * file says which variable is annotated and where it lives; at the loop's first instruction the instrumented kernel
 * reports that a turn begins, at its last that the loop was left. Every turn of the innermost loop then counts as a
 * work-item, and what lies outside of it as something that all of them do. Values carried in Java variables from turn to
 * turn leave no trace in memory; the lint refuses those.
 * <li><b>Races.</b> {@link squall.checker.RaceMap} remembers for each element the few accesses that a later one could race
 * with. Because groups and segments run in order this misses no race of the launch, whatever order a device would take.
 * Barriers count for their own memory only: {@code localBarrier()} for local arrays, {@code globalBarrier()} for the
 * others, as OpenCL has it. An array that no argument of the task writes needs no such notes.
 * <li><b>Lines.</b> {@link squall.checker.Instrumenter} rewrites kernels with {@code java.lang.classfile} when they are
 * loaded, in a class loader of their own: they tell the line they are in and every access to a Java array. Arrays of the
 * API watch themselves. Instrumenting at load time, rather than recording and replaying, keeps both ends of a race known.
 * <li><b>Dialect.</b> Before a task is accepted, {@link squall.checker.lint.Lint} reads its bytecode and refuses what
 * TornadoVM refuses or miscompiles.
 * </ul>
 *
 * <p>Numbers come out as on the JVM: this shows that a kernel is well-formed and right, not what a device rounds to, and
 * nothing about time. Run the JVM with {@code --add-exports java.base/jdk.internal.vm=ALL-UNNAMED}: barriers are some
 * thirty times cheaper then.
 */
package squall.checker;
