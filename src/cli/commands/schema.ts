import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import type { SchemaChange } from '../../contracts/schemas/schema-changes.ts'
import { EXIT, UsageError } from '../../errors.ts'
import type { SchemaDrift } from '../../schema-files.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { nearest } from '../nearest.ts'
import { columns } from '../output.ts'

export class SchemaCommand extends KittiwakeCommand {
  static override paths = [['schema']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Contracts',
    description: 'Show, write or check the JSON Schemas of the contracts',
    details: `Without a type the names are listed. --check compares the files with the models, and the models with the last release: exit code ${EXIT.failed} says that files are stale, or that a change refuses what was good.`,
    examples: [
      ['One', 'kittiwake schema WPStatusChanged'],
      ['All, as files', 'kittiwake schema --out schemas'],
      ['Whether the package’s files are up to date', 'kittiwake schema --check'],
    ],
  })

  type = Option.String({ required: false, name: 'TYPE' })
  out = Option.String('--out', { description: 'A folder to write to, or to check' })
  check = Option.Boolean('--check', false, { description: 'Write nothing; say what differs' })
  release = Option.Boolean('--release', false, {
    description: 'Remember the schemas written as those of the last release',
  })

  // It writes to a folder that is named, and nothing of a project.
  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    if (this.type !== undefined) {
      if (this.out !== undefined || this.check || this.release) throw alone()
      return this.#show(this.type)
    }
    if (this.check) return this.#checkFiles()
    if (this.out === undefined) return this.#list()
    const { writeSchemaFiles } = await import('../../schema-files.ts')
    const files = writeSchemaFiles(resolve(this.context.cwd, this.out), this.release)
    return { fields: { files }, text: `${counted(files.length, 'file')} written` }
  }

  async #show(name: string): Promise<Result> {
    const { jsonSchemas } = await import('../../contracts/schemas/json-schemas.ts')
    const { factsOf } = await import('../../contracts/event-types.ts')
    const schemas = jsonSchemas()
    const wanted = name === 'Event' ? 'event' : (factsOf(name)?.schema ?? name)
    const schema = schemas.get(wanted)
    if (schema !== undefined) {
      return { fields: { name: wanted, schema }, text: JSON.stringify(schema, null, 2) }
    }
    const meant = nearest(name, [...schemas.keys()])
    throw new UsageError('SCHEMA_UNKNOWN', 'no schema and no event type has this name', {
      hint: meant === null ? 'See `kittiwake schema`.' : `Did you mean ${meant}?`,
    })
  }

  async #list(): Promise<Result> {
    const { jsonSchemas } = await import('../../contracts/schemas/json-schemas.ts')
    const schemas = [...jsonSchemas().keys()]
    return { fields: { schemas }, text: schemas.join('\n') }
  }

  async #checkFiles(): Promise<Result> {
    const { changesSinceRelease, schemaDrift } = await import('../../schema-files.ts')
    const { isBreaking } = await import('../../contracts/schemas/schema-changes.ts')
    const { schemasFolder } = await import('../../project/program-files.ts')
    const folder = this.out === undefined ? schemasFolder() : resolve(this.context.cwd, this.out)
    const drift = schemaDrift(folder)
    const release = changesSinceRelease(folder)
    const changes = release?.changes ?? []
    const breaking = changes.filter(isBreaking)
    const ok = drift.length === 0 && breaking.length === 0
    return {
      fields: { up_to_date: drift.length === 0, drift, release: release?.version ?? null, changes },
      text: textOf(drift, changes, release?.version ?? null),
      exit: ok ? EXIT.ok : EXIT.failed,
    }
  }
}

function textOf(
  drift: readonly SchemaDrift[],
  changes: readonly SchemaChange[],
  version: string | null,
): string {
  const stale = drift.map(({ file, kind }) => [kind, file])
  const since = changes.map(({ kind, schema, path, what }) => [kind, schema, path, what])
  return [
    stale.length === 0 ? 'The files are as the models say.' : columns(stale),
    version === null
      ? 'No release is remembered there.'
      : since.length === 0
        ? `Nothing has changed since ${version}.`
        : columns(since),
  ].join('\n')
}

function alone(): UsageError {
  return new UsageError('SCHEMA_ALONE', 'a type takes none of --out, --check and --release', {
    hint: 'See `kittiwake schema --help`.',
  })
}
