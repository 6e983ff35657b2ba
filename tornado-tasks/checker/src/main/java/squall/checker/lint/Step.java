package squall.checker.lint;

import java.lang.classfile.Instruction;
import java.lang.classfile.Opcode;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.ArrayLoadInstruction;
import java.lang.classfile.instruction.ArrayStoreInstruction;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.ConvertInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.IncrementInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LoadInstruction;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.MonitorInstruction;
import java.lang.classfile.instruction.NewMultiArrayInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.NewPrimitiveArrayInstruction;
import java.lang.classfile.instruction.NewReferenceArrayInstruction;
import java.lang.classfile.instruction.OperatorInstruction;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.classfile.instruction.StackInstruction;
import java.lang.classfile.instruction.StoreInstruction;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.classfile.instruction.ThrowInstruction;
import java.lang.classfile.instruction.TypeCheckInstruction;

/** What one instruction does to the values, and which rules it breaks. */
final class Step {

    private final Analysis analysis;
    private final MethodCode code;
    private final Calls calls;

    Step(Analysis analysis, MethodCode code) {
        this.analysis = analysis;
        this.code = code;
        this.calls = new Calls(analysis, code);
    }

    /** Applies instruction {@code index}; the value that a return gives back, else null. */
    Value apply(int index, Flow.Frame frame, boolean report) {
        Instruction instruction = code.code.get(index);
        Analysis.Place place = new Analysis.Place(code, index, report);
        switch (instruction) {
            case LoadInstruction load -> frame.push(loaded(frame, load));
            case StoreInstruction store -> frame.store(store.slot(), frame.pop());
            case IncrementInstruction increment -> increment(frame, increment);
            case ConstantInstruction constant -> frame.push(constant(place, constant));
            case OperatorInstruction operator -> Arithmetic.apply(analysis, place, operator, frame);
            case ConvertInstruction convert -> Arithmetic.convert(analysis, place, convert, frame);
            case ArrayLoadInstruction load -> arrayLoad(place, frame, load.typeKind());
            case ArrayStoreInstruction ignored -> arrayStore(place, frame);
            case BranchInstruction branch -> branch(place, frame, branch);
            case TableSwitchInstruction ignored -> frame.pop();
            case LookupSwitchInstruction ignored -> frame.pop();
            case FieldInstruction field -> field(place, frame, field);
            case InvokeDynamicInstruction ignored -> {
                analysis.broken(place, Rule.LAMBDA, "");
                ignored.typeSymbol().parameterList().forEach(p -> frame.pop());
                frame.push(Value.OBJECT);
            }
            case InvokeInstruction call -> calls.apply(place, frame, call);
            case StackInstruction stack -> shuffle(frame, stack.opcode());
            case ReturnInstruction back -> {
                return back.opcode() == Opcode.RETURN ? null : frame.pop();
            }
            default -> allocationOrControl(place, frame, instruction);
        }
        return null;
    }

    private Value loaded(Flow.Frame frame, LoadInstruction load) {
        Value value = frame.locals[load.slot()];
        if (value != null) {
            return value.from(load.slot());
        }
        return switch (load.typeKind()) {
            case FLOAT -> Value.FLOAT;
            case DOUBLE -> Value.DOUBLE;
            case LONG -> Value.longs(Long.MIN_VALUE, Long.MAX_VALUE);
            case REFERENCE -> Value.OBJECT;
            default -> Value.ints(Integer.MIN_VALUE, Integer.MAX_VALUE);
        };
    }

    private void increment(Flow.Frame frame, IncrementInstruction increment) {
        Value value = frame.locals[increment.slot()];
        if (value != null) {
            int by = increment.constant();
            frame.store(increment.slot(), value.result(Value.ints(by, by), value.low() + by, value.high() + by));
        }
    }

    private Value constant(Analysis.Place place, ConstantInstruction constant) {
        return switch (constant.constantValue()) {
            case Integer i -> Value.ints(i, i);
            case Long l -> Value.longs(l, l);
            case Float f -> {
                if (f.isNaN()) {
                    analysis.broken(place, Rule.NAN, "");
                }
                yield Value.FLOAT;
            }
            case Double d -> {
                if (d.isNaN()) {
                    analysis.broken(place, Rule.NAN, "");
                }
                yield Value.DOUBLE;
            }
            default -> Value.OBJECT;
        };
    }

    private void arrayLoad(Analysis.Place place, Flow.Frame frame, TypeKind kind) {
        frame.pop();
        Value array = frame.pop();
        checkArray(place, array);
        if (array.is(Value.FRAGMENT)) {
            analysis.broken(place, Rule.FRAGMENT_ELEMENT, "");
        }
        if (kind == TypeKind.REFERENCE) {
            frame.push(Value.OBJECT);
        } else {
            frame.push(Value.of(kind.upperBound().descriptorString()));
        }
    }

    private void arrayStore(Analysis.Place place, Flow.Frame frame) {
        frame.pop();
        frame.pop();
        Value array = frame.pop();
        checkArray(place, array);
        if (array.is(Value.LOCAL_ARRAY) && code.branchesWithLoops().get(place.index())) {
            analysis.broken(place, Rule.LOCAL_STORE_IN_LOOP_BRANCH, "");
        }
    }

    private void checkArray(Analysis.Place place, Value array) {
        if (array.is(Value.VIEW)) {
            analysis.broken(place, Rule.LOCAL_ARRAY_VIEW, "");
        }
    }

    private void branch(Analysis.Place place, Flow.Frame frame, BranchInstruction branch) {
        String name = branch.opcode().name();
        if (name.startsWith("IF_")) {
            Value right = frame.pop();
            Value left = frame.pop();
            if (left.whole() && (signLost(left) || signLost(right))) {
                analysis.broken(place, Rule.UNSIGNED_INTERMEDIATE, "compared");
            }
        } else if (name.startsWith("IF")) {
            if (signLost(frame.pop())) {
                analysis.broken(place, Rule.UNSIGNED_INTERMEDIATE, "compared with zero");
            }
        }
    }

    static boolean signLost(Value value) {
        return value.is(Value.WIDENED) && value.mayBeNegative();
    }

    private void field(Analysis.Place place, Flow.Frame frame, FieldInstruction field) {
        String owner = field.owner().asInternalName();
        String type = field.type().stringValue();
        switch (field.opcode()) {
            case GETFIELD -> {
                Value object = frame.pop();
                if (object.is(Value.CONTEXT)) {
                    analysis.groupUsed(field.name().stringValue());
                    frame.push(new Value('A', 0, Integer.MAX_VALUE, 0, 0, -1));
                } else {
                    frame.push(Value.of(type));
                }
            }
            case GETSTATIC -> {
                staticField(place, owner, field.name().stringValue(), type);
                frame.push(Value.of(type));
            }
            case PUTSTATIC -> {
                frame.pop();
                analysis.broken(place, Rule.STATIC_STATE, field.name().stringValue());
            }
            default -> {
                frame.pop();
                frame.pop();
                analysis.broken(place, Rule.NOT_COMPILED, "field " + field.name().stringValue());
            }
        }
    }

    private void staticField(Analysis.Place place, String owner, String name, String type) {
        if (owner.equals("java/lang/System")) {
            analysis.broken(place, Rule.OUTPUT, "System." + name);
        } else if (type.startsWith("[")) {
            analysis.broken(place, Rule.STATIC_ARRAY, name);
        } else if (!owner.startsWith("uk/ac/manchester/") && !owner.startsWith("java/") && !analysis.isConstant(owner, name)) {
            analysis.broken(place, Rule.STATIC_STATE, name);
        }
    }

    private void allocationOrControl(Analysis.Place place, Flow.Frame frame, Instruction instruction) {
        switch (instruction) {
            case NewPrimitiveArrayInstruction ignored -> {
                if (!frame.pop().constant()) {
                    analysis.broken(place, Rule.SIZE_AT_RUN_TIME, "new array");
                }
                frame.push(Value.OBJECT.with(Value.PRIVATE_ARRAY));
            }
            case NewReferenceArrayInstruction ignored -> {
                frame.pop();
                frame.push(Value.OBJECT);
                analysis.broken(place, Rule.OBJECT_ARRAY, "");
            }
            case NewMultiArrayInstruction array -> {
                for (int i = 0; i < array.dimensions(); i++) {
                    frame.pop();
                }
                frame.push(Value.OBJECT);
                analysis.broken(place, Rule.OBJECT_ARRAY, "");
            }
            case NewObjectInstruction made -> {
                frame.push(Value.OBJECT);
                String type = made.className().asInternalName();
                if (!type.startsWith(Calls.API + "types/vectors/") && !type.startsWith(Calls.API + "types/collections/VectorFloat")
                        && !type.equals(Calls.API + "types/HalfFloat") && !isThrowable(type)) {
                    analysis.broken(place, Rule.NEW_OBJECT, type.replace('/', '.'));
                }
            }
            case TypeCheckInstruction check -> typeCheck(place, frame, check);
            case ThrowInstruction ignored -> {
                frame.pop();
                analysis.broken(place, Rule.THROW, "");
            }
            case MonitorInstruction ignored -> {
                frame.pop();
                analysis.broken(place, Rule.CONTROL, "synchronized");
            }
            default -> { }
        }
    }

    /** Reported where it is thrown. */
    private static boolean isThrowable(String type) {
        return type.endsWith("Exception") || type.endsWith("Error");
    }

    private void typeCheck(Analysis.Place place, Flow.Frame frame, TypeCheckInstruction check) {
        Value value = frame.pop();
        if (check.opcode() == Opcode.INSTANCEOF) {
            analysis.broken(place, Rule.CONTROL, "instanceof");
            frame.push(Value.ints(0, 1));
            return;
        }
        boolean other = !check.type().asInternalName().equals("java/lang/Object");
        if (other && value.is(Value.PRIVATE_ARRAY)) {
            analysis.broken(place, Rule.PRIVATE_ARRAY_VIEW, check.type().asInternalName().replace('/', '.'));
        }
        if (value.is(Value.FRAGMENT) && check.type().asInternalName().equals("[L" + Calls.API + "types/HalfFloat;")) {
            analysis.broken(place, Rule.FRAGMENT_VIEW, "");
        }
        frame.push(other && value.is(Value.LOCAL_ARRAY) ? value.with(Value.VIEW) : value);
    }

    private static void shuffle(Flow.Frame frame, Opcode opcode) {
        Value top = frame.pop();
        switch (opcode) {
            case POP -> { }
            case POP2 -> {
                if (!top.wide()) {
                    frame.pop();
                }
            }
            case SWAP -> insert(frame, 1, top);
            case DUP -> insert(frame, 0, top, top);
            case DUP_X1 -> insert(frame, 1, top, top);
            case DUP_X2 -> insert(frame, wideBelow(frame, 0) ? 1 : 2, top, top);
            case DUP2 -> {
                if (top.wide()) {
                    insert(frame, 0, top, top);
                } else {
                    Value second = frame.pop();
                    frame.push(second);
                    frame.push(top);
                    frame.push(second);
                    frame.push(top);
                }
            }
            case DUP2_X1, DUP2_X2 -> dup2Below(frame, top, opcode == Opcode.DUP2_X2);
            default -> throw new IllegalStateException(opcode.toString());
        }
    }

    private static boolean wideBelow(Flow.Frame frame, int depth) {
        return frame.stack.get(frame.stack.size() - 1 - depth).wide();
    }

    /** Puts the last of {@code values} back on top and the others {@code below} entries under it. */
    private static void insert(Flow.Frame frame, int below, Value... values) {
        if (values.length == 1) {
            frame.stack.add(frame.stack.size() - below, values[0]);
            return;
        }
        frame.stack.add(frame.stack.size() - below, values[0]);
        frame.push(values[1]);
    }

    private static void dup2Below(Flow.Frame frame, Value top, boolean farther) {
        if (top.wide()) {
            int below = !farther ? 1 : wideBelow(frame, 0) ? 1 : 2;
            insert(frame, below, top, top);
            return;
        }
        Value second = frame.pop();
        int below = !farther ? 1 : wideBelow(frame, 0) ? 1 : 2;
        int at = frame.stack.size() - below;
        frame.stack.add(at, top);
        frame.stack.add(at, second);
        frame.push(second);
        frame.push(top);
    }
}
