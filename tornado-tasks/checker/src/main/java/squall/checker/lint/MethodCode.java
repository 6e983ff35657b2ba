package squall.checker.lint;

import java.lang.classfile.Annotation;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.Instruction;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.TypeAnnotation;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.attribute.RuntimeVisibleTypeAnnotationsAttribute;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.ExceptionCatch;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.LocalVariable;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.classfile.instruction.ThrowInstruction;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The instructions of one method, numbered, with lines, jumps, variable names and {@code @Parallel} loops. */
public final class MethodCode {

    /** The variable of a {@code @Parallel} loop and where it lives: from the loop's first test to behind its last jump. */
    public record ParallelLoop(int slot, Label startLabel, Label endLabel, int start, int end) {
    }

    private static final String PARALLEL = "Luk/ac/manchester/tornado/api/annotations/Parallel;";

    final String owner;
    final MethodModel method;
    final int variableSlots;
    final List<Instruction> code = new ArrayList<>();
    final List<ParallelLoop> parallelLoops = new ArrayList<>();
    final Map<Integer, String> parameterNames = new HashMap<>();
    private final List<Integer> lines = new ArrayList<>();
    private final Map<Label, Integer> targets = new HashMap<>();
    private BitSet branchesWithLoops;
    private boolean handlers;
    private boolean variables;

    public MethodCode(String owner, MethodModel method, CodeModel body) {
        this.owner = owner;
        this.method = method;
        this.variableSlots = ((CodeAttribute) body).maxLocals();
        int line = 0;
        for (CodeElement element : body) {
            switch (element) {
                case Instruction instruction -> {
                    code.add(instruction);
                    lines.add(line);
                }
                case LineNumber number -> line = number.line();
                case LabelTarget target -> targets.put(target.label(), code.size());
                case ExceptionCatch ignored -> handlers = true;
                default -> { }
            }
        }
        for (CodeElement element : body) {
            if (element instanceof LocalVariable variable) {
                variables = true;
                if (index(variable.startScope()) == 0) {
                    parameterNames.put(variable.slot(), variable.name().stringValue());
                }
            } else if (element instanceof RuntimeVisibleTypeAnnotationsAttribute annotations) {
                annotations.annotations().forEach(this::addParallelLoop);
            }
        }
        parallelLoops.sort(Comparator.comparingInt(ParallelLoop::start));
    }

    private void addParallelLoop(TypeAnnotation typed) {
        Annotation annotation = typed.annotation();
        if (annotation.className().equalsString(PARALLEL) && typed.targetInfo() instanceof TypeAnnotation.LocalVarTarget target) {
            target.table().forEach(t -> parallelLoops.add(
                    new ParallelLoop(t.index(), t.startLabel(), t.endLabel(), index(t.startLabel()), index(t.endLabel()))));
        }
    }

    public List<ParallelLoop> parallelLoops() {
        return parallelLoops;
    }

    String name() {
        return method.methodName().stringValue();
    }

    String className() {
        return owner.replace('/', '.');
    }

    int line(int index) {
        return lines.get(index);
    }

    int index(Label label) {
        return targets.get(label);
    }

    boolean hasHandlers() {
        return handlers;
    }

    /** A method with parameters or variables was compiled with their table. */
    boolean hasVariableTable() {
        return variables || method.methodTypeSymbol().parameterCount() == 0;
    }

    /** Instructions inside a branch that holds a loop; settled once for all who call the method. */
    BitSet branchesWithLoops() {
        if (branchesWithLoops == null) {
            branchesWithLoops = Shapes.branchesWithLoops(this);
        }
        return branchesWithLoops;
    }

    /** The jump's target, or -1. */
    int jump(int index) {
        return code.get(index) instanceof BranchInstruction branch ? index(branch.target()) : -1;
    }

    boolean isGoto(int index) {
        Opcode opcode = code.get(index).opcode();
        return opcode == Opcode.GOTO || opcode == Opcode.GOTO_W;
    }

    boolean isConditional(int index) {
        return code.get(index) instanceof BranchInstruction && !isGoto(index);
    }

    List<Integer> next(int index) {
        List<Integer> next = new ArrayList<>(2);
        switch (code.get(index)) {
            case BranchInstruction branch -> {
                if (!isGoto(index)) {
                    next.add(index + 1);
                }
                next.add(index(branch.target()));
            }
            case TableSwitchInstruction table -> {
                table.cases().forEach(c -> next.add(index(c.target())));
                next.add(index(table.defaultTarget()));
            }
            case LookupSwitchInstruction lookup -> {
                lookup.cases().forEach(c -> next.add(index(c.target())));
                next.add(index(lookup.defaultTarget()));
            }
            case ReturnInstruction ignored -> { }
            case ThrowInstruction ignored -> { }
            default -> next.add(index + 1);
        }
        return next;
    }
}
