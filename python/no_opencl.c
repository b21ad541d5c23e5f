/* What stands in for OpenCL in a wheel. Debian builds oneDNN with its GPU engine, so that libdnnl.so needs an
 * OpenCL loader, which the zoo never uses: it computes on processors. Every function says that there is no
 * platform. build_backend.py compiles it under a name of its own, so that a real OpenCL in the same process is
 * left alone. */
#define NO_PLATFORM (-1001) /* CL_PLATFORM_NOT_FOUND_KHR */
#define FAILS(name) int name(void) { return NO_PLATFORM; }
#define NOTHING(name) void *name(void) { return 0; }

/* clang-format off */
FAILS(clBuildProgram) NOTHING(clCreateBuffer) NOTHING(clCreateCommandQueue) NOTHING(clCreateContext)
NOTHING(clCreateKernel) NOTHING(clCreateProgramWithBinary) NOTHING(clCreateProgramWithSource)
NOTHING(clCreateSubBuffer) NOTHING(clEnqueueMapBuffer) FAILS(clEnqueueFillBuffer) FAILS(clEnqueueNDRangeKernel)
FAILS(clEnqueueReadBuffer) FAILS(clEnqueueUnmapMemObject) FAILS(clEnqueueWriteBuffer) FAILS(clFinish)
FAILS(clGetCommandQueueInfo) FAILS(clGetContextInfo) FAILS(clGetDeviceIDs) FAILS(clGetDeviceInfo)
FAILS(clGetEventProfilingInfo) NOTHING(clGetExtensionFunctionAddressForPlatform) FAILS(clGetKernelArgInfo)
FAILS(clGetKernelInfo) FAILS(clGetMemObjectInfo) FAILS(clGetPlatformIDs) FAILS(clGetPlatformInfo)
FAILS(clGetProgramBuildInfo) FAILS(clGetProgramInfo) FAILS(clReleaseCommandQueue) FAILS(clReleaseContext)
FAILS(clReleaseDevice) FAILS(clReleaseEvent) FAILS(clReleaseKernel) FAILS(clReleaseMemObject)
FAILS(clReleaseProgram) FAILS(clRetainCommandQueue) FAILS(clRetainContext) FAILS(clRetainDevice)
FAILS(clRetainKernel) FAILS(clRetainMemObject) FAILS(clSetKernelArg)
