import { Option } from 'clipanion'
import { EVENT_TYPE_NAMES, EVENT_TYPES, type EventTypeName } from '../../contracts/event-types.ts'
import { isJsonObject, type Json, type JsonObject } from '../../contracts/json/json.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { eventTypeOption } from '../event-type-option.ts'
import { columns } from '../output.ts'

export class EventsTypesCommand extends KittiwakeCommand {
  static override paths = [['events', 'types']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Contracts',
    description: 'List the event types of the contracts, or say what one of them is',
    details:
      'Types that are not listed can be emitted, too: of those the envelope is judged, and the payload is any object.',
    examples: [
      ['All', 'kittiwake events types'],
      ['One, with its fields', 'kittiwake events types WPStatusChanged'],
    ],
  })

  type = Option.String({ required: false, name: 'TYPE' })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    if (this.type !== undefined) return describe(eventTypeOption(this.type) as EventTypeName)
    const types = EVENT_TYPE_NAMES.map((name) => ({ event_type: name, ...EVENT_TYPES[name] }))
    const rows = types.map(({ event_type, family, aggregate, destination, reducer, reserved }) => [
      event_type,
      family,
      aggregate,
      reserved ? 'reserved' : destination,
      reducer ?? '-',
    ])
    const head = ['TYPE', 'FAMILY', 'AGGREGATE', 'GOES TO', 'REDUCER']
    return { fields: { types }, text: columns([head, ...rows]) }
  }
}

async function describe(name: EventTypeName): Promise<Result> {
  const { jsonSchemas } = await import('../../contracts/schemas/json-schemas.ts')
  const facts = EVENT_TYPES[name]
  const schema = jsonSchemas().get(facts.schema) ?? {}
  const rows = Object.entries(facts).map(([key, value]) => [key, String(value ?? '-')])
  return {
    fields: { event_type: name, ...facts, json_schema: schema },
    text: [columns([['event_type', name], ...rows]), ...formsOf(schema).map(fieldsOf)].join('\n\n'),
  }
}

/** A payload has one form, or one for each origin. */
function formsOf(schema: JsonObject): readonly JsonObject[] {
  const { oneOf } = schema
  return Array.isArray(oneOf) ? (oneOf as readonly Json[]).filter(isJsonObject) : [schema]
}

function fieldsOf({ properties, required, additionalProperties }: JsonObject): string {
  const fields = isJsonObject(properties) ? Object.entries(properties) : []
  const must = Array.isArray(required) ? (required as readonly Json[]) : []
  const rows = fields.map(([key, part]) => [
    `  ${key}`,
    must.includes(key) ? 'required' : 'optional',
    isJsonObject(part) ? typeOf(part) : '',
  ])
  const others = additionalProperties === false ? 'no other keys' : 'and any other keys'
  return [columns(rows), `  ${others}`].filter((line) => line !== '').join('\n')
}

function typeOf(part: JsonObject): string {
  const { $ref, anyOf, type, enum: values, format, items } = part
  if (typeof $ref === 'string') return $ref.replace('#/$defs/', '')
  if (part['const'] !== undefined) return JSON.stringify(part['const'])
  if (Array.isArray(values)) return (values as readonly Json[]).map(String).join(' | ')
  if (type === undefined && Array.isArray(anyOf)) {
    return (anyOf as readonly Json[]).filter(isJsonObject).map(typeOf).join(' or ')
  }
  if (Array.isArray(type)) return (type as readonly Json[]).map(String).join(' or ')
  if (type === 'array' && isJsonObject(items)) return `array of ${typeOf(items)}`
  return [format, type].find((one) => typeof one === 'string') ?? 'any'
}
