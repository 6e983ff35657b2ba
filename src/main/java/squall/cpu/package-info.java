/** The player that runs on the CPU: vectors of the machine's width, a team of threads, weights as they are stored. */
package squall.cpu;
