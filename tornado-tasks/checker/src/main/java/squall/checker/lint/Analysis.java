package squall.checker.lint;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.reflect.AccessFlag;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** What is found out about one kernel and the helpers it calls. */
final class Analysis {

    /** An instruction, and whether what is found there counts: while values still change it does not. */
    record Place(MethodCode code, int index, boolean report) {
    }

    private record Call(String method, List<Value> arguments) {
    }

    private static final Set<String> GLOBAL_POSITION = Set.of("globalIdx", "globalIdy", "globalIdz",
            "globalGroupSizeX", "globalGroupSizeY", "globalGroupSizeZ", "atomicAdd");

    private final ClassLoader loader;
    private final Map<String, ClassModel> classes = new HashMap<>();
    private final Map<String, MethodCode> methods = new HashMap<>();
    private final Map<Call, Value> known = new HashMap<>();
    private final Set<Call> reported = new HashSet<>();
    private final Deque<String> active = new ArrayDeque<>();
    private final Deque<String> searched = new ArrayDeque<>();
    private final Set<Violation> violations = new LinkedHashSet<>();
    private final Access[] accesses = new Access[32];
    private final Set<String> cudaOnly = new LinkedHashSet<>();
    private final Set<String> notOnCuda = new LinkedHashSet<>();
    private int quiet;
    private boolean waits;
    private boolean usesGroups;

    Analysis(ClassLoader loader) {
        this.loader = loader;
        Arrays.fill(accesses, Access.NONE);
    }

    /** Follows a method with these arguments; null if it was found to call itself, or does not exist. */
    Value enter(MethodCode code, Value[] arguments, boolean kernel) {
        active.push(key(code));
        try {
            if (quiet == 0) {
                Shapes.check(this, code, kernel);
            }
            return new Flow(code, new Step(this, code)).run(arguments);
        } finally {
            active.pop();
        }
    }

    private static String key(MethodCode code) {
        return code.owner + "." + code.name() + code.method.methodType().stringValue();
    }

    Value call(Place place, String owner, String name, String descriptor, Value[] arguments) {
        MethodCode target = method(owner, name, descriptor);
        if (target == null || !target.method.flags().has(AccessFlag.STATIC)) {
            broken(place, Rule.NOT_COMPILED, name);
            return null;
        }
        if (active.contains(key(target))) {
            broken(place, Rule.RECURSION, name);
            return null;
        }
        Call call = new Call(key(target), Arrays.stream(arguments).map(a -> a.from(-1)).toList());
        boolean look = place.report() && quiet == 0;
        if (look ? reported.add(call) : !known.containsKey(call)) {
            quiet += look ? 0 : 1;
            known.put(call, enter(target, call.arguments().toArray(Value[]::new), false));
            quiet -= look ? 0 : 1;
        }
        return known.get(call);
    }

    MethodCode method(String owner, String name, String descriptor) {
        return methods.computeIfAbsent(owner + "." + name + descriptor, key -> {
            ClassModel model = classModel(owner);
            if (model == null) {
                return null;
            }
            for (MethodModel method : model.methods()) {
                if (method.methodName().equalsString(name) && method.methodType().equalsString(descriptor) && method.code().isPresent()) {
                    return new MethodCode(owner, method, method.code().get());
                }
            }
            return null;
        });
    }

    ClassModel classModel(String owner) {
        return classes.computeIfAbsent(owner, name -> {
            try (InputStream in = loader.getResourceAsStream(name + ".class")) {
                return in == null ? null : ClassFile.of().parse(in.readAllBytes());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    boolean isConstant(String owner, String field) {
        ClassModel model = classModel(owner);
        return model != null && model.fields().stream()
                .anyMatch(f -> f.fieldName().equalsString(field) && f.flags().has(AccessFlag.FINAL));
    }

    private boolean counts(Place place) {
        return place.report() && quiet == 0;
    }

    void broken(Place place, Rule rule, String detail) {
        if (counts(place)) {
            broken(place.code(), place.index(), rule, detail);
        }
    }

    void broken(MethodCode code, int index, Rule rule, String detail) {
        violations.add(new Violation(code.className(), code.name(), code.line(index), rule, detail));
    }

    void touched(Place place, Value array, Access access) {
        if (counts(place)) {
            for (int i = 0; i < accesses.length; i++) {
                if ((array.parameters() & 1 << i) != 0) {
                    accesses[i] = accesses[i].and(access);
                }
            }
        }
    }

    void groupUsed(String member) {
        usesGroups |= !GLOBAL_POSITION.contains(member);
    }

    void mayWait() {
        waits = true;
    }

    void cudaOnly(Place place, String what) {
        if (counts(place)) {
            cudaOnly.add(what + ", line " + place.code().line(place.index()));
        }
    }

    void notOnCuda(Place place, String what) {
        if (counts(place)) {
            notOnCuda.add(what + ", line " + place.code().line(place.index()));
        }
    }

    List<Violation> violations() {
        return List.copyOf(violations);
    }

    Access access(int parameter) {
        return accesses[parameter];
    }

    boolean waits() {
        return waits;
    }

    /** Whether an instruction is a barrier, or calls a helper that has one. */
    boolean waits(MethodCode code, int index) {
        if (!(code.code.get(index) instanceof InvokeInstruction call)) {
            return false;
        }
        String owner = call.owner().asInternalName();
        if (owner.equals(Calls.API + "KernelContext")) {
            return Calls.isBarrier(call.name().stringValue());
        }
        boolean helper = call.opcode() == Opcode.INVOKESTATIC && !owner.startsWith("java/") && !owner.startsWith(Calls.API);
        MethodCode target = helper ? method(owner, call.name().stringValue(), call.type().stringValue()) : null;
        // one that is being looked at calls itself, which is an error of its own
        if (target == null || searched.contains(key(target))) {
            return false;
        }
        searched.push(key(target));
        try {
            return IntStream.range(0, target.code.size()).anyMatch(i -> waits(target, i));
        } finally {
            searched.pop();
        }
    }

    boolean usesGroups() {
        return usesGroups;
    }

    List<String> cudaOnly() {
        return List.copyOf(cudaOnly);
    }

    List<String> notOnCuda() {
        return List.copyOf(notOnCuda);
    }
}
