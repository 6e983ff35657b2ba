package squall.checker.lint;

import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.Set;

/** Calls inside a kernel: which are compiled, what they give, and what they do to arrays. */
final class Calls {

    static final String API = "uk/ac/manchester/tornado/api/";
    private static final Set<String> MATH = Set.of("abs", "min", "max", "exp", "log", "sqrt", "sin", "cos", "floor", "pow", "floorMod");
    private static final Set<String> BIT_CASTS = Set.of("intBitsToFloat", "floatToIntBits", "floatToRawIntBits",
            "longBitsToDouble", "doubleToLongBits", "doubleToRawLongBits");
    private static final Set<String> BOXING = Set.of("valueOf", "intValue", "longValue", "floatValue", "doubleValue",
            "shortValue", "byteValue", "bitCount");
    private static final Set<String> LOADS = Set.of("get", "getHalfFloat", "getHalf2");
    private static final Set<String> STORES = Set.of("set", "setHalfFloat", "setHalf2");
    private static final Set<String> COMBINED = Set.of("add", "sub", "mult", "div");
    private static final Set<String> PRODUCTS = Set.of("mma", "mmaBF16", "mmaInt8");
    private static final Set<String> SIZES = Set.of("getSize", "getLength", "size", "vectorWidth");

    private final Analysis analysis;
    private final MethodCode code;

    Calls(Analysis analysis, MethodCode code) {
        this.analysis = analysis;
        this.code = code;
    }

    void apply(Analysis.Place place, Flow.Frame frame, InvokeInstruction call) {
        String owner = call.owner().asInternalName();
        String name = call.name().stringValue();
        MethodTypeDesc type = call.typeSymbol();
        Value[] arguments = new Value[type.parameterCount()];
        for (int i = arguments.length - 1; i >= 0; i--) {
            arguments[i] = frame.pop();
        }
        Value receiver = call.opcode() == Opcode.INVOKESTATIC ? null : frame.pop();
        Value result = result(place, call, owner, name, receiver, arguments);
        if (!type.returnType().equals(ClassDesc.ofDescriptor("V"))) {
            frame.push(result == null ? Value.of(type.returnType().descriptorString()) : result);
        }
    }

    private Value result(Analysis.Place place, InvokeInstruction call, String owner, String name, Value receiver, Value[] arguments) {
        if (name.equals("<init>")) {
            if (owner.startsWith(API + "types/collections/")) {
                view(place, owner, arguments);
            }
            return null;
        }
        if (owner.equals(API + "KernelContext")) {
            return context(place, name, call.typeSymbol(), arguments);
        }
        if (owner.startsWith(API + "types/arrays/") || owner.startsWith(API + "types/collections/")) {
            return array(place, owner, name, receiver);
        }
        if (owner.startsWith(API)) {
            return library(place, owner, name, arguments);
        }
        if (owner.startsWith("java/")) {
            return java(place, owner, name, receiver, arguments);
        }
        if (call.opcode() != Opcode.INVOKESTATIC) {
            analysis.broken(place, Rule.NOT_COMPILED, shortName(owner) + "." + name);
            return null;
        }
        for (Value argument : arguments) {
            // a view is for tensor-core calls only, which a helper may make
            if (argument.is(Value.LOCAL_ARRAY) && !argument.is(Value.VIEW)) {
                analysis.broken(place, Rule.LOCAL_ARRAY_TO_HELPER, name);
            }
        }
        return analysis.call(place, owner, name, call.type().stringValue(), arguments);
    }

    /** An array seen in vectors: the object is compiled away, reads go to the array. */
    private void view(Analysis.Place place, String owner, Value[] arguments) {
        if (arguments.length == 1 && arguments[0].kind() == 'A') {
            analysis.touched(place, arguments[0], Access.READ);
        } else {
            analysis.broken(place, Rule.NEW_OBJECT, owner.replace('/', '.'));
        }
    }

    static boolean isBarrier(String name) {
        return name.equals("localBarrier") || name.equals("globalBarrier");
    }

    private Value context(Analysis.Place place, String name, MethodTypeDesc type, Value[] arguments) {
        analysis.groupUsed(name);
        if (isBarrier(name)) {
            analysis.mayWait();
        } else if (name.startsWith("allocate")) {
            if (!arguments[0].constant() && !arguments[0].is(Value.SCALAR)) {
                analysis.broken(place, Rule.SIZE_AT_RUN_TIME, name);
            }
            if (name.equals("allocateByteLocalArray")) {
                analysis.broken(place, Rule.BYTE_LOCAL_ARRAY, "");
            }
            return Value.OBJECT.with(Value.LOCAL_ARRAY);
        } else if (name.equals("atomicAdd")) {
            analysis.touched(place, arguments[0], Access.READ_WRITE);
            if (arguments[2].kind() == 'F' || arguments[2].kind() == 'D') {
                analysis.cudaOnly(place, "atomicAdd on " + type.parameterType(0).displayName());
            }
        } else {
            return warp(place, name, arguments);
        }
        return null;
    }

    /** Lanes of a warp and tensor cores. */
    private Value warp(Analysis.Place place, String name, Value[] arguments) {
        analysis.cudaOnly(place, name);
        if (name.startsWith("simd") || PRODUCTS.contains(name)) {
            analysis.mayWait();
        }
        if (name.equals("mmaStore")) {
            analysis.touched(place, arguments[1], Access.WRITE);
        }
        if (name.equals("asyncCopyToLocal")) {
            analysis.touched(place, arguments[2], Access.READ);
        }
        boolean fragment = name.startsWith("mmaFragment") || PRODUCTS.contains(name) || name.startsWith("mmaLoad");
        return fragment ? Value.OBJECT.with(Value.FRAGMENT) : null;
    }

    private Value array(Analysis.Place place, String owner, String name, Value receiver) {
        if (owner.endsWith("Float8")) {
            analysis.notOnCuda(place, "VectorFloat8");
        }
        if (owner.endsWith("HalfFloatArray") && name.contains("Half2")) {
            analysis.cudaOnly(place, "Half2");
        }
        if (LOADS.contains(name) && receiver != null) {
            analysis.touched(place, receiver, Access.READ);
        } else if (STORES.contains(name) && receiver != null) {
            analysis.touched(place, receiver, Access.WRITE);
        } else if (SIZES.contains(name)) {
            return Value.ints(0, Integer.MAX_VALUE);
        } else {
            analysis.broken(place, Rule.NOT_COMPILED, shortName(owner) + "." + name);
        }
        return null;
    }

    private Value library(Analysis.Place place, String owner, String name, Value[] arguments) {
        if (owner.endsWith("/Float8") && COMBINED.contains(name) && arguments[1].kind() == 'F') {
            analysis.broken(place, Rule.VECTOR_AND_NUMBER, "Float8." + name);
        }
        if (owner.equals(API + "types/BFloat16")) {
            analysis.cudaOnly(place, "BFloat16");
            return name.equals("bf16FromFloat") ? Value.of("S").with(Value.FROM_BF16) : null;
        }
        if (owner.equals(API + "utils/QuantizationUtils")) {
            analysis.cudaOnly(place, name);
            for (Value argument : arguments) {
                analysis.touched(place, argument, Access.READ);
            }
        } else if (owner.endsWith("/Float8")) {
            analysis.notOnCuda(place, "Float8");
        } else if (owner.endsWith("/Half2")) {
            analysis.cudaOnly(place, "Half2");
        } else if (owner.endsWith("/TornadoMath")) {
            return extreme(place, name, arguments);
        } else if (!owner.startsWith(API + "types/")) {
            analysis.broken(place, Rule.NOT_COMPILED, shortName(owner) + "." + name);
        }
        return null;
    }

    private Value java(Analysis.Place place, String owner, String name, Value receiver, Value[] arguments) {
        if (owner.equals("java/lang/Math")) {
            if (MATH.contains(name)) {
                return extreme(place, name, arguments);
            }
            analysis.broken(place, Rule.NOT_COMPILED, "Math." + name);
        } else if (name.startsWith("rotate")) {
            analysis.broken(place, Rule.ROTATE, "");
        } else if (BIT_CASTS.contains(name)) {
            if (!name.equals("intBitsToFloat") || !storedStraight(place.index() + 1)) {
                analysis.broken(place, Rule.BIT_CAST, name);
            }
        } else if (name.equals("float16ToFloat") || name.equals("floatToFloat16")) {
            analysis.broken(place, Rule.HALF_CAST, name);
        } else if (BOXING.contains(name) && owner.startsWith("java/lang/")) {
            return boxed(name, receiver, arguments);
        } else if (!owner.startsWith("java/io/")) {
            analysis.broken(place, Rule.NOT_COMPILED, shortName(owner) + "." + name);
        }
        return null;
    }

    private static Value boxed(String name, Value receiver, Value[] arguments) {
        if (name.equals("valueOf") && arguments[0].whole()) {
            return arguments[0].as('A');
        }
        if (name.equals("intValue") && receiver != null) {
            return new Value('I', Math.max(receiver.low(), Integer.MIN_VALUE), Math.min(receiver.high(), Integer.MAX_VALUE),
                    receiver.marks() & Value.SCALAR, 0, -1);
        }
        return name.equals("bitCount") ? Value.ints(0, 64) : null;
    }

    /** Minimum and maximum of whole numbers keep their intervals; so does the absolute value. */
    private Value extreme(Analysis.Place place, String name, Value[] arguments) {
        if (arguments.length == 0 || !arguments[0].whole()) {
            return null;
        }
        Value a = arguments[0];
        if (name.equals("abs")) {
            return a.low() >= 0 ? a.from(-1) : a.result(a, 0, Long.MAX_VALUE);
        }
        if (arguments.length < 2) {
            return null;
        }
        Value b = arguments[1];
        if ((name.equals("min") || name.equals("max")) && arguments.length == 2) {
            if (a.is(Value.WIDENED) != b.is(Value.WIDENED) && !a.constant() && !b.constant()) {
                analysis.broken(place, Rule.MIXED_SIGNS, name);
            }
            boolean least = name.equals("min");
            return a.result(b, least ? Math.min(a.low(), b.low()) : Math.max(a.low(), b.low()),
                    least ? Math.min(a.high(), b.high()) : Math.max(a.high(), b.high()));
        }
        if (name.equals("floorMod") && b.low() > 0) {
            return a.result(b, 0, b.high() - 1);
        }
        return null;
    }

    /** The compiler folds a bit cast into an int store if a FloatArray takes the result at once. */
    private boolean storedStraight(int index) {
        return code.code.get(index) instanceof InvokeInstruction next && next.name().equalsString("set")
                && next.owner().asInternalName().equals(API + "types/arrays/FloatArray");
    }

    private static String shortName(String owner) {
        return owner.substring(owner.lastIndexOf('/') + 1);
    }
}
