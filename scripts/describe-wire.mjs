#!/usr/bin/env node
// Writes the wire contract as an OpenAPI and an AsyncAPI document into docs/wire, or into the folder after --into, from the
// schemas that the readers use; with --check nothing is written: a document that is stale or that its own standard
// refuses ends it with exit code 1.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import * as frames from '#dist/contracts/wire/frame-schemas.js'
import { HTTP_BODIES } from '#dist/contracts/wire/http-schemas.js'
import { OPEN_ROUTES, PROTOCOL, ROUTES, SOCKET_PATH } from '#dist/hub/http/routes.js'
import { root } from './prepare.mjs'

const args = process.argv.slice(2)
const into = args.indexOf('--into')
const folder = into === -1 ? join(root, 'docs/wire') : resolve(args[into + 1])
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const info = {
  title: 'Kittiwake hub',
  version,
  description:
    'How a client and a hub speak. Keys and frame types that are not known are passed over.',
  license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT.html' },
}
const project = parameter('project_uuid', 'A project of the team', true, { type: 'string' })
const after = parameter('after', 'The cursor of the page before', false, { type: 'integer' })
const limit = parameter('limit', 'Rows of a page', false, { type: 'integer' })
const refused = { 400: 'refusal', 401: 'refusal', 403: 'refusal', 429: 'refusal', 503: 'refusal' }

const MEANING_BY_STATUS = {
  200: 'Done',
  400: 'The request can not be understood',
  401: 'No valid token',
  403: 'A web page, a name that the hub does not answer to, or another team',
  404: 'The team has no such project here',
  412: 'Another protocol',
  413: 'Too large',
  415: 'Another encoding or type',
  429: 'Too much for now; Retry-After says how long',
  503: 'Not now; Retry-After says how long',
}

/** What the table of routes does not say. */
const DESCRIPTION_BY_ROUTE = {
  'POST /api/v1/ws-token': {
    summary: 'Exchanges the login for a socket token',
    body: 'ticketRequest',
    answers: { 200: 'ticket', 413: 'refusal', ...refused },
  },
  'GET /api/v1/me': { summary: 'Whom the token speaks for', answers: { 200: 'me', ...refused } },
  'POST /api/v1/webhooks/git/{webhook_id}': {
    summary: 'A git host reports a push: commits that are here turn to pushed',
    isOpen: true,
    body: 'push',
    parameters: [
      {
        name: 'webhook_id',
        in: 'path',
        description: 'As `kittiwake hub webhook create` gave it',
        required: true,
        schema: { type: 'string' },
      },
      header('X-Hub-Signature-256', 'GitHub, Gitea: `sha256=` and the HMAC-SHA256 of the body'),
      header('X-Gitea-Signature', 'Gitea, Forgejo: the HMAC-SHA256 of the body'),
      header('X-Gitlab-Token', 'GitLab: the secret itself'),
    ],
    answers: { 200: 'pushTaken', 413: 'refusal', 415: 'refusal', ...refused },
  },
  'POST /api/v1/session': {
    summary: 'Lets a window of a browser in; answers with a cookie beside the body',
    isOpen: true,
    body: 'sessionRequest',
    answers: { 200: 'session', 413: 'refusal', ...refused },
  },
  'POST /api/v1/session/end': {
    summary: "Ends the window's session",
    answers: { 200: 'sessionEnd', ...refused },
  },
  'GET /api/v1/projects': {
    summary: "The team's projects, the latest first",
    answers: { 200: 'projectsList', ...refused },
  },
  'GET /api/v1/feed': {
    summary: 'Events and commits of a project before a place, as a subscriber is shown them',
    parameters: [
      project,
      parameter('before', 'The place; the end where it is left out', false, { type: 'integer' }),
      limit,
    ],
    answers: { 200: 'feedPage', 404: 'refusal', ...refused },
  },
  'GET /api/v1/local-only': {
    summary: 'Commits of a project that were not seen pushed',
    parameters: [project],
    answers: { 200: 'localOnly', 404: 'refusal', ...refused },
  },
  'GET /api/v1/activity': {
    summary: 'How much the hub received of a project, by the hour',
    parameters: [project],
    answers: { 200: 'activity', 404: 'refusal', ...refused },
  },
  'GET /api/v1/events': {
    summary: 'Events of a project, in the order in which they came',
    parameters: [project, after, limit],
    answers: { 200: 'eventsPage', 404: 'refusal', ...refused },
  },
  'GET /api/v1/commits': {
    summary: 'Commits of a project, in the order in which they came',
    parameters: [project, after, limit],
    answers: { 200: 'commitsPage', 404: 'refusal', ...refused },
  },
  'GET /api/v1/missions': {
    summary: 'Missions of a project',
    parameters: [project],
    answers: { 200: 'missionsList', 404: 'refusal', ...refused },
  },
  'GET /api/v1/board': {
    summary: 'The work packages of a mission by lane, with every move',
    parameters: [project, parameter('mission', 'Directory name', true, { type: 'string' })],
    answers: { 200: 'board', 404: 'refusal', ...refused },
  },
  'GET /api/v1/decisions': {
    summary: 'Decisions of a project or of one mission by time, all or those that mention a text',
    parameters: [
      project,
      parameter('mission', 'Directory name', false, { type: 'string' }),
      parameter('q', 'What a word of the decision must hold', false, { type: 'string' }),
      after,
      limit,
    ],
    answers: { 200: 'decisionsPage', 404: 'refusal', ...refused },
  },
  'GET /api/v1/glossary': {
    summary: 'Clarifications of terms, open ones and resolved ones',
    parameters: [project],
    answers: { 200: 'glossary', 404: 'refusal', ...refused },
  },
  'POST /api/v1/events/batch/': {
    summary: 'Stores many events; the body may be compressed with gzip',
    body: 'batch',
    parameters: [
      header(
        'X-Spec-Kitty-Sync-Protocol',
        `The protocol of the client; the hub speaks ${PROTOCOL}`,
      ),
      header('Content-Encoding', 'gzip or identity'),
    ],
    answers: {
      200: 'batchResults',
      ...refused,
      400: 'batchRefusal',
      412: 'protocolRefusal',
      413: 'refusal',
      415: 'refusal',
    },
  },
  'GET /api/v1/sync/health/': {
    summary: 'What the hub takes at once, and its epoch',
    answers: { 200: 'syncHealth', ...refused },
  },
  'GET /readyz': {
    summary: 'Whether the hub can answer everybody, for a balancer',
    isOpen: true,
    answers: { 200: 'ready', 503: 'ready' },
  },
  'GET /health': { summary: 'Whether the hub is up', isOpen: true, answers: { 200: 'health' } },
  'GET /metrics': {
    summary: 'Figures for Prometheus; without a token for programs of the same machine only',
    answers: { 200: null, ...refused },
  },
}

const NAME_BY_CLIENT_FRAME = {
  event: 'Event',
  events: 'Events',
  LocalCommit: 'LocalCommit',
  LedgerLines: 'LedgerLines',
  CommitsPushed: 'CommitsPushed',
  pong: 'Pong',
  subscribe: 'Subscribe',
  unsubscribe: 'Unsubscribe',
  presence: 'Presence',
}
const NAME_BY_HUB_FRAME = {
  snapshot: 'Snapshot',
  ack: 'Ack',
  acks: 'Acks',
  error: 'Error',
  LocalCommitAck: 'LocalCommitAck',
  LedgerLinesAck: 'LedgerLinesAck',
  LedgerLines: 'ShownLedgerLines',
  CommitsPushed: 'ShownCommitsPushed',
  CommitsPushedAck: 'CommitsPushedAck',
  ping: 'Ping',
  event: 'ShownEvent',
  LocalCommit: 'ShownLocalCommit',
  subscribed: 'Subscribed',
  presence: 'Present',
  damaged: 'Damaged',
  forgotten: 'Forgotten',
}

const documents = new Map([
  ['openapi.json', openApi()],
  ['asyncapi.json', asyncApi()],
])
if (args.includes('--check')) await check()
else {
  mkdirSync(folder, { recursive: true })
  for (const [name, document] of documents) writeFileSync(join(folder, name), textOf(document))
}

function openApi() {
  const paths = {}
  for (const { method, path } of [...OPEN_ROUTES, ...ROUTES]) {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(`${method} ${path}`) }
  }
  const schemas = schemasOf({
    ...HTTP_BODIES,
    event: frames.batchedEvent,
    localCommit: frames.localCommit,
  })
  const token = { type: 'http', scheme: 'bearer', description: 'A token of a team' }
  return {
    openapi: '3.1.1',
    info,
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths,
    components: { schemas, securitySchemes: { token } },
  }
}

function operation(route) {
  const description = DESCRIPTION_BY_ROUTE[route]
  if (description === undefined) throw new Error(`the route ${route} is not described`)
  const { summary, body, parameters, answers, isOpen } = description
  const content = (name) =>
    name === null
      ? { 'text/plain': { schema: { type: 'string' } } }
      : { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } }
  return {
    operationId: idOf(route),
    summary,
    ...(isOpen ? { security: [] } : {}),
    ...(parameters === undefined ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { content: content(body) } }),
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, name]) => [
        status,
        { description: MEANING_BY_STATUS[status], content: content(name) },
      ]),
    ),
  }
}

function asyncApi() {
  const client = messagesOf(frames.CLIENT_FRAMES, NAME_BY_CLIENT_FRAME)
  const hub = messagesOf(frames.HUB_FRAMES, NAME_BY_HUB_FRAME)
  const names = { ...client.schemas, ...hub.schemas, BatchedEvent: frames.batchedEvent }
  const refs = (messages, at) => Object.keys(messages).map((name) => ({ $ref: `${at}/${name}` }))
  const inChannel = '#/channels/socket/messages'
  const all = { ...client.messages, ...hub.messages }
  return {
    asyncapi: '3.0.0',
    info,
    defaultContentType: 'application/json',
    channels: {
      socket: {
        address: SOCKET_PATH,
        title: 'The WebSocket',
        description:
          'Opened with a socket token as bearer token; a browser, which can set no header, offers the protocols ' +
          '`kittiwake.hub.1` and `ticket.` with the socket token instead. One JSON object a text message. Closed by the hub with 1003, 1007, ' +
          '1008 and 1009 for what it can not take, 1011 where its store failed, 1012 where it stops, 1013 where the ' +
          'client reads too slowly, 4401 where the token has ended.',
        messages: Object.fromEntries(
          Object.keys(all).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
      },
    },
    operations: {
      receive: {
        action: 'receive',
        channel: { $ref: '#/channels/socket' },
        summary: 'What a client sends to the hub',
        messages: refs(client.messages, inChannel),
      },
      send: {
        action: 'send',
        channel: { $ref: '#/channels/socket' },
        summary: 'What the hub sends to a client',
        messages: refs(hub.messages, inChannel),
      },
    },
    components: { messages: all, schemas: schemasOf(names, 'draft-7') },
  }
}

function messagesOf(schemaByType, nameByType) {
  const messages = {}
  const schemas = {}
  for (const [type, schema] of Object.entries(schemaByType)) {
    const name = nameByType[type]
    if (name === undefined) throw new Error(`the frame ${type} is not named`)
    // The reader takes the events of an array frame one by one.
    const isArray = type === 'events'
    const events = z.array(frames.batchedEvent).min(1).max(frames.BATCH_EVENTS_MAX)
    schemas[name] = isArray ? schema.extend({ events }).describe(schema.description) : schema
    messages[name] = {
      name: type,
      title: name,
      summary: schema.description,
      payload: { $ref: `#/components/schemas/${name}` },
    }
  }
  return { messages, schemas }
}

/** The schemas by name, each of them referred to by its name wherever another holds it. */
function schemasOf(schemaByName, target = 'draft-2020-12') {
  const registry = z.registry()
  for (const [id, schema] of Object.entries(schemaByName)) registry.add(schema, { id })
  const uri = (id) => `#/components/schemas/${id}`
  const options = { target, io: 'input', unrepresentable: 'any', uri }
  const { schemas } = z.toJSONSchema(registry, options)
  return Object.fromEntries(
    Object.entries(schemas)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { $schema: _dialect, $id: _id, ...schema }]) => [name, schema]),
  )
}

async function check() {
  const stale = [...documents]
    .filter(([name, document]) => read(name) !== textOf(document))
    .map(([name]) => `${name} is stale, run \`npm run describe\``)
  const broken = [...documents].flatMap(([name, document]) =>
    brokenReferences(document).map((reference) => `${name}: ${reference} leads nowhere`),
  )
  const faults = [
    ...stale,
    ...broken,
    ...(await faultsOfOpenApi(documents.get('openapi.json'))),
    ...(await faultsOfAsyncApi(documents.get('asyncapi.json'))),
  ]
  if (faults.length === 0) return
  console.error(`wire: ${faults.join('\n')}`)
  process.exit(1)
}

async function faultsOfOpenApi(document) {
  const { Validator } = await import('@seriousme/openapi-schema-validator')
  const { valid, errors } = await new Validator().validate(structuredClone(document))
  return valid ? [] : [`openapi.json: ${JSON.stringify(errors)}`]
}

async function faultsOfAsyncApi(document) {
  const { Ajv } = await import('ajv')
  const { default: formats } = await import('ajv-formats')
  const { default: specifications } = await import('@asyncapi/specs')
  const ajv = new Ajv({ strict: false, allErrors: true })
  formats.default(ajv)
  const validate = ajv.compile(specifications.schemasWithoutId['3.0.0'])
  const errors = validate(document) ? [] : (validate.errors ?? [])
  return errors.map(({ instancePath, message }) => `asyncapi.json: ${instancePath} ${message}`)
}

function brokenReferences(document) {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)]
  return references.flatMap(([, path]) => {
    let found = document
    for (const key of path.split('/')) found = found?.[key]
    return found === undefined ? [path] : []
  })
}

function parameter(name, description, required, schema) {
  return { name, in: 'query', description, required, schema }
}

function header(name, description) {
  return { name, in: 'header', description, required: false, schema: { type: 'string' } }
}

function idOf(route) {
  return route
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '')
}

function textOf(document) {
  return `${JSON.stringify(document, null, 2)}\n`
}

// A checkout may have put other line ends in.
function read(name) {
  const path = join(folder, name)
  return existsSync(path) ? readFileSync(path, 'utf8').replaceAll('\r\n', '\n') : null
}
