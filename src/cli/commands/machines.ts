import { Option } from 'clipanion'
import { UsageError } from '../../errors.ts'
import type { Definition } from '../../inspect/definition.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { columns } from '../output.ts'

const FORMATS = ['ascii', 'mermaid', 'svg', 'json'] as const
type Format = (typeof FORMATS)[number]

export class MachinesCommand extends KittiwakeCommand {
  static override paths = [['machines']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Inspection',
    description: 'List the state machines, or draw one',
    details: 'Formats: `ascii` (default), `mermaid`, `svg`, `json`.',
    examples: [
      ['What machines there are', 'kittiwake machines'],
      ['A picture', 'kittiwake machines connection --format svg > connection.svg'],
    ],
  })

  name = Option.String({ name: 'NAME', required: false })
  format = Option.String('--format', { description: `One of ${FORMATS.join(', ')}` })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const format = formatOf(this.format ?? 'ascii')
    const { machineDefinitions } = await import('../../inspect/machines.ts')
    const definitions = machineDefinitions()
    if (this.name === undefined) {
      if (this.format === undefined) return list(definitions)
      throw new UsageError('MACHINE_MISSING', 'a format is that of one machine', {
        hint: `Name one of ${definitions.map(({ name }) => name).join(', ')}.`,
      })
    }
    const definition = definitions.find(({ name }) => name === this.name)
    if (definition === undefined) {
      throw new UsageError('MACHINE_UNKNOWN', 'there is no machine of this name', {
        hint: `One of ${definitions.map(({ name }) => name).join(', ')}.`,
      })
    }
    const { name, hash, root } = definition
    const text = await draw(definition, format)
    return { fields: { name, hash, format, ...(format === 'json' ? { root } : { text }) }, text }
  }
}

function list(definitions: readonly Definition[]): Result {
  const machines = definitions.map(({ name, hash, root }) => ({
    name,
    hash,
    states: root.states.map(({ key }) => key),
  }))
  const rows = machines.map(({ name, states }) => [name, states.join(', ')])
  return { fields: { machines }, text: columns(rows) }
}

async function draw(definition: Definition, format: Format): Promise<string> {
  const { root } = definition
  switch (format) {
    case 'ascii':
      return (await import('../../inspect/draw-ascii.ts')).drawAscii(root)
    case 'mermaid':
      return (await import('../../inspect/draw-mermaid.ts')).drawMermaid(root).trimEnd()
    case 'json':
      return JSON.stringify(root, null, 2)
    case 'svg':
      return drawSvg(definition)
  }
}

async function drawSvg(definition: Definition): Promise<string> {
  const { Drawings } = await import('../../inspect/drawing.ts')
  const { drawSvg: draw } = await import('../../inspect/draw-svg.ts')
  const drawings = new Drawings()
  try {
    return draw(definition.root, await drawings.draw(definition)).trimEnd()
  } finally {
    await drawings.close()
  }
}

/** @throws UsageError FORMAT_UNKNOWN */
function formatOf(text: string): Format {
  const found = FORMATS.find((format) => format === text)
  if (found !== undefined) return found
  throw new UsageError('FORMAT_UNKNOWN', `a format is one of ${FORMATS.join(', ')}`)
}
