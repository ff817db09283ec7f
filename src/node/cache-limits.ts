export const cacheBytesDefault = 1024 ** 3;
/** Room for the largest piece in flight, and then some. */
export const cacheBytesMin = 16 * 1024 ** 2;
