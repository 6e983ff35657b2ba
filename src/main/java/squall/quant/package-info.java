/** Number formats: one codec file and one line of {@link squall.quant.Format} each. */
package squall.quant;
