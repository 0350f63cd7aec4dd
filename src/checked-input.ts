/** What a caller hands in, by its schema; whatever it is, the answer is the value or one typed error. */
import type { z } from 'zod'
import type { InputError } from './errors.ts'

/** `invalid` makes the error from the names of the fields that are wrong. */
export function checkInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  invalid: (why: string) => InputError,
): z.infer<Schema> {
  const parsed = read(schema, value, invalid)
  if (parsed.success) return parsed.data
  const fields = new Set(parsed.error.issues.map((issue) => issue.path.join('.') || 'unknown key'))
  throw invalid(`check ${[...fields].sort().join(', ')}`)
}

function read<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  invalid: (why: string) => InputError,
) {
  try {
    return schema.safeParse(value)
  } catch {
    // A getter or a proxy threw; what it said may quote data.
    throw invalid('it can not be read')
  }
}
