// Compiles the JSON Schemas of the contracts into functions: small, quick to load, and nothing is made of text at run time.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { _ } from 'ajv/dist/compile/codegen/index.js'
import standalone from 'ajv/dist/standalone/index.js'
import { rolldown } from 'rolldown'

/** Writes `contracts/compiled-schemas.cjs` below `into`, where the models are built already. */
export async function compileSchemas(into) {
  const load = (name) => import(pathToFileURL(join(into, 'contracts', name)).href)
  const { jsonSchemas } = await load('schemas/json-schemas.js')
  const { SUM_KEYWORD } = await load('values/fields.js')
  const ajv = new Ajv2020({
    allErrors: true,
    messages: false,
    discriminator: true,
    strictTypes: false,
    code: { source: true, esm: true, optimize: true, formats: _`formats` },
    formats: await formatsOf(load),
  })
  ajv.addKeyword({ keyword: SUM_KEYWORD, type: 'object', code: (context) => sum(context) })
  const schemas = jsonSchemas()
  for (const [name, schema] of schemas) ajv.addSchema(schema, name)
  // Value objects are checked where they stand.
  const judged = [...schemas.keys()].filter((name) => name === 'event' || name.endsWith('_payload'))
  const code = standalone.default(ajv, Object.fromEntries(judged.map((name) => [name, name])))
  const imports = `import { formats } from './schemas/schema-formats.js'\n`
  const entry = join(into, 'contracts', '.compiled-schemas.mjs')
  writeFileSync(entry, `${imports}${code}`)
  try {
    await bundleInto(join(into, 'contracts', 'compiled-schemas.cjs'), entry)
  } finally {
    rmSync(entry)
  }
}

/** The checks of formats are the contracts' own, whose names a format turns into. */
async function formatsOf(load) {
  const { formats } = await load('schemas/schema-formats.js')
  return formats
}

/** A field is the sum of others, where all of them are numbers. */
function sum(context) {
  const { gen, data, schema } = context
  for (const [total, parts] of Object.entries(schema)) {
    const fields = [total, ...parts].map((name) => _`${data}[${name}]`)
    const [whole, ...rest] = fields
    const added = rest.reduce((left, right) => _`${left} + ${right}`)
    const isJudged = fields
      .map((field) => _`typeof ${field} == "number"`)
      .reduce((left, right) => _`${left} && ${right}`)
    gen.if(isJudged, () => context.fail(_`${whole} !== ${added}`))
  }
}

async function bundleInto(file, input) {
  const bundler = await rolldown({ input, platform: 'node', treeshake: true })
  await bundler.write({ file, format: 'cjs', exports: 'named', minify: true })
  await bundler.close()
}
