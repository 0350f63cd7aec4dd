/** A number with what it counts, as a person reads it: `1 event`, `2 events`, `1 event is held`, `2 events are held`. */
export function counted(value: number, one: string, many: string = `${one}s`): string {
  return `${value} ${named(value, one, many)}`
}

/** The words alone, for who writes the number otherwise. */
export function named(value: number, one: string, many: string = `${one}s`): string {
  return value === 1 ? one : many
}
