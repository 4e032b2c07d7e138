# Certification of the Flower SuperLink: a single VM without OneGate.
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

    # The first boot creates certificates and starts Flower.
    it 'becomes ready' do
        ok('flower-context ready --timeout 0', 600)
    end

    it 'is reported as ready by the one-apps framework' do
        ok('grep -q All.set.and.ready.to.serve /etc/motd', 120)
        ok('grep -qx bootstrap_success /etc/one-appliance/status')
    end

    it 'serves under systemd without failed units' do
        ok('systemctl is-active flower-superlink.service')
        ok('! systemctl is-failed flower-* one-context*')
    end

    it 'has the name from the CONTEXT in its certificate' do
        ok('openssl x509 -in /var/lib/flower-context/tls/server.pem -noout -checkhost superlink.example | grep does.match')
    end

    it 'has a certificate that its own CA signed' do
        ok('openssl verify -x509_strict -CAfile /var/lib/flower-context/tls/ca.pem /var/lib/flower-context/tls/server.pem')
    end
end
