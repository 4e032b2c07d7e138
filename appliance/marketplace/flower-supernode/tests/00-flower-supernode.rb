# Certification of the Flower SuperNode: a single VM. The image contains all of Flower, so a SuperLink runs in the same VM.
require_relative '../../../lib/community/app_handler'

describe 'Appliance Certification' do
    include_context('vm_handler')

    # Runs the command in the VM until it ends with 0, for so many seconds at most. VM#ssh puts it into double quotes for the
    # shell of the front-end, so it must not contain a double quote, $, ` or \.
    def ok(command, seconds = 0)
        deadline = Time.now + seconds
        loop do
            result = @info[:vm].ssh(command, false, { :quiet => true })
            return if result.success?

            raise "#{command}: #{result.exitstatus}: #{result.stdout}#{result.stderr}" if Time.now >= deadline

            sleep 5
        end
    end

    it 'waits for the SuperLink that the CONTEXT names' do
        ok('flower-context status | grep 127.0.0.1:9092', 120)
        ok('! flower-context ready --timeout 0')
    end

    it 'is ready when a SuperLink has accepted it' do
        ok('systemd-run --quiet --uid=flower --unit=certification --property=StateDirectory=flower/certification --setenv=HOME=/var/lib/flower/certification --setenv=PATH=/run/flower-context/env/bin:/usr/bin:/bin /run/flower-context/env/bin/flower-superlink --insecure --fleet-api-type grpc-rere --fleet-api-address 127.0.0.1:9092')
        ok('flower-context ready --timeout 0', 600)
        ok('systemctl is-active flower-supernode.service')
    end

    it 'is reported as ready by the one-apps framework' do
        ok('grep -q All.set.and.ready.to.serve /etc/motd', 120)
        ok('grep -qx bootstrap_success /etc/one-appliance/status')
    end

    it 'has no failed unit' do
        ok('! systemctl is-failed flower-* one-context*')
    end
end
