#pragma OPENCL EXTENSION cl_khr_fp64 : enable  
#pragma OPENCL EXTENSION cl_khr_fp16 : enable  
#pragma OPENCL EXTENSION cl_khr_int64_base_atomics : enable  
__kernel void kKeepFloats(__global long *_kernel_context, __constant uchar *_constant_region, __local uchar *_local_region, __global int *_atomics, __global uchar *array)
{
  float f_6; 
  long l_2, l_3, l_4; 
  ulong ul_0, ul_5; 
  int i_1; 

  // BLOCK 0
  ul_0  =  (ulong) array;
  i_1  =  get_global_id(0);
  l_2  =  (long) i_1;
  l_3  =  l_2 + 4L;
  l_4  =  l_3 << 2;
  ul_5  =  ul_0 + l_4;
  f_6  =  *((__global float *) ul_5);
  *((__global float *) ul_5)  =  f_6;
  return;
}  //  kernel
