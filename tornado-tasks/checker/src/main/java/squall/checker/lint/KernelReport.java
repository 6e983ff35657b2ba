package squall.checker.lint;

import java.util.List;

/**
 * What the bytecode says about a kernel.
 *
 * @param name          method name of the kernel
 * @param violations    places that break a rule; empty for a kernel that may run
 * @param parameters    names of the parameters, the KernelContext among them
 * @param accesses      what is done with each parameter
 * @param parallelDepth how many {@code @Parallel} loops are nested, zero for none
 * @param waits         whether it can reach a barrier or an exchange between lanes
 * @param usesGroups    whether it looks at its work-group, shares memory or waits
 * @param cudaOnly      calls that only the CUDA and PTX backends compile right, with their lines
 * @param notOnCuda     types that the CUDA backend refuses, with their lines
 */
public record KernelReport(String name, List<Violation> violations, List<String> parameters, List<Access> accesses,
        int parallelDepth, boolean waits, boolean usesGroups, List<String> cudaOnly, List<String> notOnCuda) {

    public Access access(int parameter) {
        return parameter < accesses.size() ? accesses.get(parameter) : Access.NONE;
    }
}
