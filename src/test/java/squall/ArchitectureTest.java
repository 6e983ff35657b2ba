package squall;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The shape of the program, so that it stays that way. */
@AnalyzeClasses(packages = "squall", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    @ArchTest static final ArchRule engineKnowsNoTornadoVm =
            noClasses().should().dependOnClassesThat().resideInAnyPackage("uk.ac.manchester.tornado..", "squall.tornado..");

    @ArchTest static final ArchRule layersAreWrittenOverOperationsAlone =
            classes().that().resideInAPackage("squall.layer..")
                    .should().onlyDependOnClassesThat().resideInAnyPackage("squall.layer..", "squall.ops..", "java..");

    @ArchTest static final ArchRule onlyTheCpuPlayerAndTheCodecsUseVectors =
            noClasses().that().resideOutsideOfPackages("squall.cpu..", "squall.quant..", "squall.cli..")
                    .should().dependOnClassesThat().resideInAnyPackage("jdk.incubator.vector..");

    @ArchTest static final ArchRule nobodyNamesThePlayer =
            noClasses().that().resideOutsideOfPackages("squall.cpu..")
                    .should().dependOnClassesThat().resideInAnyPackage("squall.cpu..");

    @ArchTest static final ArchRule formatsKnowNothingAbove =
            noClasses().that().resideInAPackage("squall.quant..")
                    .should().dependOnClassesThat().resideInAnyPackage("squall.format..", "squall.model..", "squall.ops..",
                            "squall.cpu..", "squall.engine..", "squall.cli..", "squall.text..");

    @ArchTest static void noNamesThatSayNothing(JavaClasses all) {
        noClasses().should().haveNameMatching(".*(Impl|Manager|Helper|Utils?)").check(all);
    }
}
