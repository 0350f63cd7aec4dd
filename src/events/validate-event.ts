/** The validation that programs call: both layers, where it is asked strictly. */
import { checkedOptions, isFlag } from '../contracts/values/arguments.ts'
import { judgeEvent, type SchemaLayer, type Verdict } from '../contracts/judge.ts'
import { schemaLayer } from '../contracts/schemas/schema-layer.ts'
import { compiledSchemas } from '../project/program-files.ts'

type ValidateOptions = { readonly strict?: boolean }

/**
 * Whether `input` is an event, or the payload of one, as the contracts say, with everything that is wrong. Whatever `input`
 * and `type` are, the answer is a verdict.
 *
 * @param type an event type: `input` is its payload, or an envelope of that type. `'Event'`: an envelope of any type.
 *   Absent: an envelope, judged by the type that it names.
 * @param options strict: the JSON Schemas judge, too, and an envelope of a type that no contract names is refused unless
 *   `'Event'` was asked for
 * @throws InputError OPTIONS_INVALID
 */
export function validateEvent(
  input: unknown,
  type?: string,
  options: ValidateOptions | null = null,
): Verdict {
  const { strict = false } = checkedOptions<ValidateOptions>(options ?? {}, { strict: isFlag })
  return judgeEvent(input, type, { strict, schemas: strict ? schemas() : null })
}

let loaded: SchemaLayer | null = null

function schemas(): SchemaLayer {
  loaded ??= schemaLayer(compiledSchemas())
  return loaded
}
