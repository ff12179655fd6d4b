/** The transports that `idc bench` measures. */
export const media = ['memory', 'ring', 'tcp'] as const;
export type Medium = (typeof media)[number];
