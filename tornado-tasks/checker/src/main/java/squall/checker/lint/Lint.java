package squall.checker.lint;

import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.AccessFlag;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Reads kernels' bytecode and refuses what TornadoVM 5.2.0 refuses or miscompiles ({@link Rule}). Ordinary numbers are
 * followed as intervals, so that a division of something that cannot be negative is left alone; sums and products of
 * indices are taken not to overflow.
 */
public final class Lint {

    private static final String CONTEXT = "Luk/ac/manchester/tornado/api/KernelContext;";
    private static final String KERNEL_NAME = "k[A-Z].*";
    /** Words of OpenCL C and CUDA C that are names in Java. */
    private static final Pattern FOREIGN_WORD = Pattern.compile("half|bool|uchar|ushort|uint|ulong|size_t|ptrdiff_t|kernel|global|local|constant"
            + "|read_only|write_only|read_write|signed|unsigned|struct|union|typedef|register|extern|sizeof|inline|restrict|auto|template|typename"
            + "|operator|namespace|delete|sampler_t|event_t|image\\w*_t|u?(char|short|int|long)\\d+|(float|double|half)\\d+");
    private static final Set<Rule> OF_OPENCL = EnumSet.of(Rule.LOCAL_STORE_IN_LOOP_BRANCH, Rule.RETURN_BEFORE_BARRIER);

    private Lint() {
    }

    /** Every kernel of a class: its static methods without a result whose names start with k and a capital. */
    public static List<KernelReport> kernelsOf(Class<?> type) {
        Analysis analysis = new Analysis(type.getClassLoader());
        ClassModel model = analysis.classModel(type.getName().replace('.', '/'));
        List<KernelReport> reports = new ArrayList<>();
        for (MethodModel method : model.methods()) {
            boolean kernel = method.flags().has(AccessFlag.STATIC) && method.methodName().stringValue().matches(KERNEL_NAME)
                    && method.methodType().stringValue().endsWith(")V");
            if (kernel) {
                reports.add(kernel(type.getClassLoader(), model.thisClass().asInternalName(), method.methodName().stringValue(),
                        method.methodType().stringValue(), null));
            }
        }
        return reports;
    }

    /**
     * One kernel. {@code arguments} are those of a task, whose primitives are constants of the compiled code; without
     * them every int is taken to be non-negative.
     */
    public static KernelReport kernel(ClassLoader loader, String owner, String name, String descriptor, Object[] arguments) {
        Analysis rules = new Analysis(loader);
        MethodCode code = rules.method(owner, name, descriptor);
        if (code == null) {
            throw new IllegalArgumentException(owner.replace('/', '.') + "." + name + " has no bytecode that can be read");
        }
        if (!name.matches(KERNEL_NAME)) {
            rules.broken(code, 0, Rule.NAME, name);
        }
        MethodTypeDesc type = MethodTypeDesc.ofDescriptor(descriptor);
        rules.enter(code, parameters(type, arguments, true), true);
        // TornadoVM settles what is read and written before it knows the scalars
        Analysis accesses = new Analysis(loader);
        accesses.enter(accesses.method(owner, name, descriptor), parameters(type, null, false), true);
        List<Access> access = new ArrayList<>();
        List<String> names = new ArrayList<>();
        int slot = 0;
        for (int i = 0; i < type.parameterCount(); i++) {
            access.add(accesses.access(i));
            names.add(code.parameterNames.getOrDefault(slot, "argument " + i));
            if (FOREIGN_WORD.matcher(names.getLast()).matches()) {
                rules.broken(code, 0, Rule.PARAMETER_NAME, names.getLast());
            }
            slot += Value.of(type.parameterType(i).descriptorString()).wide() ? 2 : 1;
        }
        return new KernelReport(name, violations(rules), names, access, code.parallelLoops.size(), rules.waits(), rules.usesGroups(),
                rules.cudaOnly(), rules.notOnCuda());
    }

    /** Without what only OpenCL's compilers do wrong, in a kernel that cannot run there. */
    private static List<Violation> violations(Analysis rules) {
        return rules.cudaOnly().isEmpty() ? rules.violations()
                : rules.violations().stream().filter(v -> !OF_OPENCL.contains(v.rule())).toList();
    }

    private static Value[] parameters(MethodTypeDesc type, Object[] arguments, boolean nonNegative) {
        Value[] values = new Value[type.parameterCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = parameter(type.parameterType(i), i, arguments == null ? null : arguments[i], nonNegative);
        }
        return values;
    }

    private static Value parameter(ClassDesc type, int number, Object argument, boolean nonNegative) {
        String descriptor = type.descriptorString();
        if (descriptor.equals(CONTEXT)) {
            return Value.OBJECT.with(Value.CONTEXT);
        }
        if (!type.isPrimitive()) {
            boolean scalar = argument instanceof Integer || argument instanceof Long || argument instanceof Short || argument instanceof Byte;
            return scalar ? Value.longs(((Number) argument).longValue(), ((Number) argument).longValue()).as('A') : Value.parameter(number);
        }
        Value any = Value.of(descriptor);
        if (any.whole() && argument instanceof Number scalar) {
            return any.clamped(scalar.longValue(), scalar.longValue()).with(Value.SCALAR);
        }
        return any.whole() ? (nonNegative ? any.clamped(0, Long.MAX_VALUE) : any).with(Value.SCALAR) : any;
    }
}
