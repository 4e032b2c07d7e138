# OpenNebula's own OneFlow server and command line of one version, run over service templates, without an OpenNebula.
#
#   ruby driver.rb SOURCE ONED < cases.json > answers.json
#
# SOURCE is a tree of https://github.com/OpenNebula/one (or the part that sources.ts fetches), ONED the program compiled from oned/oned.cc and that tree.
# OpenNebula's own code: oneflow-server.rb (it gets every request), the service template, the service, its roles, the classes of the Ruby API and
# OpenNebulaHelper.parse_user_inputs. Written here: this file, the stub of oned's API below (it stores documents and calls ONED for templates)
# and, in stubs/, the parts that the server needs to start and the parts that wait for VMs.
require 'fileutils'
require 'json'
require 'logger'
require 'open3'
require 'stringio'
require 'tmpdir'
require 'tempfile'
require 'time'
require 'base64'

SOURCE, ONED = ARGV.shift(2)
HERE = __dir__
home = Dir.mktmpdir('oneflow')
at_exit { FileUtils.remove_entry(home) }
FileUtils.mkdir_p(["#{home}/etc", "#{home}/var/oneflow"])
FileUtils.cp("#{SOURCE}/src/flow/etc/oneflow-server.conf", "#{home}/etc/oneflow-server.conf")
ENV['ONE_LOCATION'] = home
ENV['HOME'] = home
ENV['APP_ENV'] = 'test'
$LOAD_PATH.unshift("#{HERE}/stubs", "#{SOURCE}/src/oca/ruby", "#{SOURCE}/src/flow/lib", "#{SOURCE}/src/cli", "#{SOURCE}/src/cli/one_helper")

# oned's API: documents (service templates and services) in memory, VM templates as they are in a file, VMs that do not run.
class FrontEnd
  attr_reader :instantiated
  attr_accessor :vm_templates

  def initialize
    reset({})
  end

  def reset(vm_templates)
    @documents = {}
    @vm_templates = vm_templates
    @instantiated = []
  end

  def call(action, *args)
    case action
    when 'document.allocate' then allocate(*args)
    when 'document.info'     then @documents.fetch(args[0].to_i)
    when 'document.update'   then update(*args)
    when 'template.info'     then vm_template(args[0])
    when 'template.instantiate' then instantiate(*args)
    when 'vm.info' then vm(args[0])
    else OpenNebula::Error.new("the stub has no #{action}")
    end
  end

  private

  def document(id, type, name, template)
    "<DOCUMENT><ID>#{id}</ID><UID>0</UID><GID>0</GID><UNAME>oneadmin</UNAME><GNAME>oneadmin</GNAME><NAME>#{CGI.escapeHTML(name)}</NAME>" \
    "<TYPE>#{type}</TYPE><PERMISSIONS/>#{template}</DOCUMENT>"
  end

  def allocate(template, type)
    id = @documents.size
    name = Nokogiri::XML(template).at_xpath('/TEMPLATE/NAME')&.text.to_s
    @documents[id] = document(id, type, name, template)
    id
  end

  def update(id, template, *)
    old = Nokogiri::XML(@documents.fetch(id.to_i))
    @documents[id.to_i] = document(id, old.at_xpath('//TYPE').text, old.at_xpath('//NAME').text, template)
    id
  end

  def oned(*args)
    out, err, status = Open3.capture3(ONED, *args)
    status.success? ? out : OpenNebula::Error.new(err.strip)
  end

  def vm_template(id)
    path = @vm_templates[id.to_i]
    return OpenNebula::Error.new("[TemplateInfo] Error getting virtual machine template [#{id}].") if path.nil?

    xml = oned('parse', path)
    return xml if OpenNebula.is_error?(xml)

    "<VMTEMPLATE><ID>#{id}</ID><NAME>vm-template-#{id}</NAME><UID>0</UID><GID>0</GID>#{xml}</VMTEMPLATE>"
  end

  def instantiate(id, _name, _hold, extra, _persistent = false)
    path = @vm_templates[id.to_i]
    return OpenNebula::Error.new("[TemplateInstantiate] Error getting virtual machine template [#{id}].") if path.nil?

    Tempfile.create('extra') do |file|
      file.write(extra)
      file.flush
      context = oned('instantiate', path, file.path)
      return OpenNebula::Error.new("[TemplateInstantiate] #{context.message}") if OpenNebula.is_error?(context)

      pairs = context.split("\0").to_h { |pair| pair.split('=', 2) }
      role = pairs.delete('ROLE_NAME')
      @instantiated << { 'extra' => extra, 'context' => pairs, 'role' => role }
    end
    @instantiated.size - 1
  end

  def vm(id)
    "<VM><ID>#{id}</ID><NAME>vm-#{id}</NAME><UID>0</UID><GID>0</GID><UNAME/><GNAME/><STATE>3</STATE><LCM_STATE>3</LCM_STATE>" \
    '<TEMPLATE><CONTEXT><ETH0_IP>192.0.2.10</ETH0_IP></CONTEXT></TEMPLATE><USER_TEMPLATE/></VM>'
  end
end

FRONT_END = FrontEnd.new

gem 'treetop'
require 'cgi'
require 'nokogiri'
require 'opennebula'
require 'sinatra'
Sinatra::Application.set :run, false
$VERBOSE = nil
load "#{SOURCE}/src/flow/oneflow-server.rb"
require 'rack/mock'
require 'strategy'

# The command line. one_helper.rb of 7.x needs only parts of the API.
require 'one_helper'
require 'oneflowtemplate_helper'
require 'onetemplate_helper'

HTTP = Rack::MockRequest.new(Sinatra::Application)

def ask(path, body)
  auth = ["#{'oneadmin'}:x"].pack('m0')
  HTTP.post(path, :input => JSON.generate(body), 'CONTENT_TYPE' => 'application/json', 'HTTP_AUTHORIZATION' => "Basic #{auth}")
end

def reason(response)
  parsed = JSON.parse(response.body)
  parsed.is_a?(Hash) && parsed['error'] ? parsed['error']['message'] : response.body
rescue JSON::ParserError
  response.body
end

# `oneflow-template instantiate ID` with Enter at every question about an input, as src/cli/oneflow-template writes its merge template.
# The question about a network does not accept Enter; the case has its answer.
def command_line(body, networks)
  helper = OneFlowTemplateHelper.new
  merge = {}
  old = helper.respond_to?(:custom_attrs)
  input, output, errors = $stdin, $stdout, $stderr
  stdin = STDIN.dup
  asked = StringIO.new
  # Enter many times. A question that never accepts it (a mandatory number) repeats without end: 20,000 are enough for any form.
  reader, writer = IO.pipe
  feeder = Thread.new do
    writer.write("\n" * 20_000)
    writer.close
  rescue Errno::EPIPE
    nil
  end
  STDIN.reopen(reader)
  $stdout = asked
  $stderr = asked
  # The command line writes to the constant.
  old_errors = STDERR.dup
  said = Tempfile.new('stderr')
  STDERR.reopen(said)
  answers =
    if old
      [helper.custom_attrs(body['custom_attrs']), helper.custom_role_attrs(body['roles'])]
    else
      [helper.user_inputs(body['user_inputs']), helper.role_user_inputs(body['roles'])]
    end
  answers.compact.each { |answer| merge.merge!(answer) }
  merge['networks_values'] = networks if networks
  { 'merge' => JSON.parse(JSON.generate(merge)) }
rescue SystemExit
  STDERR.flush
  { 'error' => "the command ends: #{File.read(said.path).strip.gsub(/\s+/, ' ')}" }
rescue EOFError
  { 'error' => 'a question takes no empty answer' }
rescue StandardError, NoMethodError => e
  { 'error' => "#{e.class}: #{e.message.lines.first.strip}" }
ensure
  $stdout = output
  $stderr = errors
  STDIN.reopen(stdin)
  STDERR.reopen(old_errors)
  reader&.close
  feeder&.kill
end

# Deploys as ServiceLCM#deploy_nets_action and #deploy_action do; each deployed role counts as running.
def deploy(id)
  service = OpenNebula::Service.new_with_id(id, FRONT_END)
  rc = service.info
  return rc.message if OpenNebula.is_error?(rc)

  rc = service.deploy_networks
  return rc.message if OpenNebula.is_error?(rc)

  service.update
  service = OpenNebula::Service.new_with_id(id, FRONT_END)
  service.info
  service.extend(service.strategy == 'straight' ? Straight : Strategy)
  if service.respond_to?(:fill_template)
    rc = service.fill_template
    return rc.message if OpenNebula.is_error?(rc)
  end

  deployed = []
  loop do
    roles = service.roles_deploy
    break if roles.empty?

    roles.each do |name, role|
      before = FRONT_END.instantiated.size
      nodes, message = role.deploy
      return message unless nodes

      deployed << name
      FRONT_END.instantiated[before..].each { |vm| vm['role'] = name }
      running = OpenNebula::Role::STATE['RUNNING']
      role.respond_to?(:state=) ? role.state = running : role.set_state(running)
    end
  end
  left = service.roles.keys - deployed
  left.empty? ? nil : "no VM for #{left.join(', ')}: each waits for another role"
rescue StandardError => e
  "#{e.class}: #{e.message.lines.first.strip}"
end

def answer(a_case)
  FRONT_END.reset(a_case['vm_templates'].to_h { |id, path| [id.to_i, path] })
  created = ask('/service_template', a_case['body'])
  return { 'created' => reason(created) } unless created.status == 201

  body = JSON.parse(created.body)['DOCUMENT']['TEMPLATE']['BODY']
  stored = JSON.parse(JSON.generate(body))
  ways = {}
  a_case['ways'].each do |way, merge|
    if merge == 'command line'
      typed = command_line(JSON.parse(JSON.generate(body)), a_case['networks'])
      if typed['error']
        ways[way] = { 'refused' => typed['error'] }
        next
      end
      merge = typed['merge']
    end
    FRONT_END.instance_variable_get(:@instantiated).clear
    # A new template for each way: an instantiation must not change the next.
    template = ask('/service_template', a_case['body'])
    template_id = JSON.parse(template.body)['DOCUMENT']['ID']
    response = ask("/service_template/#{template_id}/action", 'action' => { 'perform' => 'instantiate', 'params' => { 'merge_template' => merge } })
    if response.status != 201
      ways[way] = { 'refused' => "#{response.status} #{reason(response)}" }
      next
    end
    error = deploy(JSON.parse(response.body)['DOCUMENT']['ID'].to_i)
    ways[way] = error ? { 'failed' => error } : {}
    ways[way]['roles'] = FRONT_END.instantiated.group_by { |vm| vm['role'] }.to_h { |role, vms| [role, vms.last['context']] }
    ways[way]['extra'] = FRONT_END.instantiated.group_by { |vm| vm['role'] }.to_h { |role, vms| [role, vms.last['extra']] } if a_case['extra']
  end
  { 'body' => stored, 'ways' => ways }
end

# Logging of the server and prompts go elsewhere; only the answers are printed.
cases = JSON.parse(STDIN.read)
results = cases.to_h { |name, a_case| [name, answer(a_case)] }
puts JSON.pretty_generate(results)
