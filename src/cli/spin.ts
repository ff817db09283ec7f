/** Of verbs that serve. */
export const spinOption = {
  type: "string",
  value: "MICROS",
  description: "poll so long before sleeping, while that pays (default 100; 0: never)",
} as const;
