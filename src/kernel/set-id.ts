const setUserId = 0o4000;
const setGroupId = 0o2000;
const groupExecute = 0o010;

/** Whether a file of this mode has something that a write may end. */
export function hasSetId(mode: number): boolean {
  return (mode & (setUserId | setGroupId)) !== 0;
}

/**
 * A file's mode without what has it run as its owner or group. As setattr_should_drop_sgid in Linux has it (6.2 and later):
 * set-group-id without execution by the group is a mark of something else, and stays if who writes is of the group.
 */
export function withoutSetId(mode: number, isOfGroup: boolean): number {
  const isMark = (mode & groupExecute) === 0 && isOfGroup;
  return mode & ~(isMark ? setUserId : setUserId | setGroupId);
}
