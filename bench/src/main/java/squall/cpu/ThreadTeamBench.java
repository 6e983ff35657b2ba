package squall.cpu;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/** A parallel region with next to nothing to do: what an operation costs before it computes. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class ThreadTeamBench {
    private static final ThreadTeam.RangeTask NOTHING = (worker, from, to) -> {};

    @Param({"1", "2"}) public int threads;
    /** Processor cycles of other work between two regions, in JMH's tokens; the last is about as long as workers spin. */
    @Param({"0", "20000"}) public long pause;

    private ThreadTeam team;

    @Setup public void open() {
        team = new ThreadTeam(threads);
    }

    @TearDown public void close() {
        team.close();
    }

    @Benchmark public void region() {
        Blackhole.consumeCPU(pause);
        team.forEach(2, 1, NOTHING);
    }

    /** What is to be taken off. */
    @Benchmark public void pauseAlone() {
        Blackhole.consumeCPU(pause);
    }
}
