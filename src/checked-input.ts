/** What a caller hands in, by its schema; whatever it is, the answer is the value or one typed error. */
import type { z } from 'zod'
import type { InputError } from './errors.ts'

/** `invalid` makes the error from the names of the fields that are wrong. */
export function checkInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  invalid: (why: string) => InputError,
): z.infer<Schema> {
  const { data, issues } = read(schema, value, invalid)
  if (issues.length === 0) return data as z.infer<Schema>
  const fields = new Set(issues.map((issue) => issue.path.join('.') || 'unknown key'))
  throw invalid(`check ${[...fields].sort().join(', ')}`)
}

function read<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  invalid: (why: string) => InputError,
) {
  try {
    // The issues are made when they are first asked for, and look at the value again.
    const { data, error } = schema.safeParse(value)
    return { data, issues: error?.issues ?? [] }
  } catch {
    // A getter or a proxy threw; what it said may quote data.
    throw invalid('it can not be read')
  }
}
