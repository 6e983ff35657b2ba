package squall.checker;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.Method;
import java.util.List;
import java.util.stream.Collectors;
import squall.checker.lint.Access;
import squall.checker.lint.KernelReport;
import squall.checker.lint.Lint;
import squall.checker.lint.Rule;

/** A kernel's method: what the lint says of it, and an instrumented copy to call. */
final class Kernel implements Code {

    private static final int INVOKE_STATIC = 6;
    /**
     * The backend that is checked for, {@code opencl} or {@code cuda}: what it refuses, or compiles to something else, is a fault.
     * By default a kernel may use what either has.
     */
    private static final String BACKEND = "squall.checker.backend";

    private final KernelReport report;
    private final MethodHandle instrumented;
    private final String[] types;

    private Kernel(KernelReport report, MethodHandle instrumented) {
        this.report = report;
        this.types = instrumented.type().parameterList().stream().map(Class::getSimpleName).toArray(String[]::new);
        this.instrumented = instrumented.asSpreader(Object[].class, instrumented.type().parameterCount());
    }

    /** The method behind a reference. {@code where} names the task in messages. */
    static Kernel of(Object code, Object[] arguments, String where) {
        SerializedLambda reference = serialized(code, where);
        if (reference.getImplMethodKind() != INVOKE_STATIC || reference.getCapturedArgCount() > 0) {
            throw new CheckFailure(Fault.DIALECT, reference.getImplMethodName(), 0, -1, where + ": " + Rule.NOT_STATIC.what()
                    + "; use instead: " + Rule.NOT_STATIC.instead());
        }
        ClassLoader loader = code.getClass().getClassLoader();
        KernelReport report = Lint.kernel(loader, reference.getImplClass(), reference.getImplMethodName(),
                reference.getImplMethodSignature(), arguments);
        if (!report.violations().isEmpty()) {
            throw new CheckFailure(Fault.DIALECT, report.name(), report.violations().getFirst().line(), -1, where + "\n  "
                    + report.violations().stream().map(Object::toString).collect(Collectors.joining("\n  ")));
        }
        requireBackend(report, where);
        return new Kernel(report, KernelLoader.of(loader).method(reference));
    }

    private static void requireBackend(KernelReport report, String where) {
        String backend = System.getProperty(BACKEND, "");
        List<String> foreign = switch (backend) {
            case "opencl" -> report.cudaOnly();
            case "cuda" -> report.notOnCuda();
            default -> List.of();
        };
        if (!foreign.isEmpty()) {
            throw new CheckFailure(Fault.BACKEND, report.name(), 0, -1, where + ": " + report.name() + " uses "
                    + String.join("; ", foreign) + ", which " + backend + " refuses or compiles to something else: record another kernel there");
        }
    }

    private static SerializedLambda serialized(Object code, String where) {
        try {
            Method method = code.getClass().getDeclaredMethod("writeReplace");
            method.setAccessible(true);
            return (SerializedLambda) method.invoke(code);
        } catch (ReflectiveOperationException | ClassCastException e) {
            throw new CheckFailure(Fault.DIALECT, where + ": " + Rule.NOT_STATIC.what() + "; use instead: " + Rule.NOT_STATIC.instead());
        }
    }

    @Override
    public String name() {
        return report.name();
    }

    KernelReport report() {
        return report;
    }

    @Override
    public Access access(int number) {
        return report.access(number);
    }

    @Override
    public String argument(int number) {
        return "'" + report.parameters().get(number) + "' (" + types[number] + ")";
    }

    void invoke(Object[] arguments) throws Throwable {
        instrumented.invoke(arguments);
    }
}
