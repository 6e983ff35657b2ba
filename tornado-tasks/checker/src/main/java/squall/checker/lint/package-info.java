/**
 * The lint over kernels' bytecode. {@link squall.checker.lint.Flow} follows values through a method and its helpers until
 * nothing changes; {@link squall.checker.lint.Step}, {@link squall.checker.lint.Arithmetic} and
 * {@link squall.checker.lint.Calls} say what an instruction does to them and which {@link squall.checker.lint.Rule} it
 * breaks; {@link squall.checker.lint.Shapes} looks at loops and branches. It also finds out what a kernel does with each
 * array, which decides what TornadoVM uploads.
 */
package squall.checker.lint;
