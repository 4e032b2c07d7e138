# Certification of the Flower SuperNode: one VM by itself. The image has all of Flower, so its SuperLink runs beside it.
require_relative '../../../lib/community/app_handler'

describe 'Appliance Certification' do
    include_context('vm_handler')

    # The command ends with 0 in the VM, at once or within so many seconds; this waits, not the command. VM#ssh puts it
    # between double quotes for the shell of the front-end, so it must not contain a double quote, $, ` or \.
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

    it 'is ready when a SuperLink is there and has accepted it' do
        ok('systemd-run --quiet --uid=flower --unit=certification --property=StateDirectory=flower/certification --setenv=HOME=/var/lib/flower/certification --setenv=PATH=/run/flower-context/env/bin:/usr/bin:/bin /run/flower-context/env/bin/flower-superlink --insecure --fleet-api-type grpc-rere --fleet-api-address 127.0.0.1:9092')
        ok('flower-context ready --timeout 0', 600)
        ok('systemctl is-active flower-supernode.service')
    end

    it 'says so as the one-apps framework does' do
        ok('grep -q All.set.and.ready.to.serve /etc/motd', 120)
        ok('grep -qx bootstrap_success /etc/one-appliance/status')
    end

    it 'has no unit that failed' do
        ok('! systemctl is-failed flower-* one-context*')
    end
end
